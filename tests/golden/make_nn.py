#!/usr/bin/env python3
"""Makes nn.lua: values and gradients of PyTorch's neural network operations in f64, to hold the engine's against.

Every case: inputs by name, the value, and the gradients of sum(weights * value) with respect to every real input, weights[i] = 0.5 + 0.37 (i mod 7).
Classes and indices are written 1-based. Run in the repository: /usr/bin/python3 tests/golden/make_nn.py > tests/golden/nn.lua
"""
import itertools
import re
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
torch.manual_seed(20)
out = []


def numbers(t):
    values = [float(v) for v in t.detach().reshape(-1)]
    return "{" + ",".join("%d" % v if v == int(v) and abs(v) < 100 else re.sub(r"\.?0*p", "p", v.hex()) for v in values) + "}"


def tensor(t):
    kind = ', dtype = "i64"' if t.dtype == torch.int64 else ""
    return "{ shape = {%s}, %s%s }" % (",".join(str(n) for n in t.shape), numbers(t + 1 if t.dtype == torch.int64 else t)[1:-1], kind)


def text(v):
    if isinstance(v, bool):
        return str(v).lower()
    if isinstance(v, tuple):
        return "{%s}" % ",".join(text(e) for e in v)
    return '"%s"' % v if isinstance(v, str) else repr(v)


def case(op, inputs, f, options=None, size=None, after=None):
    """inputs: name -> tensor; f(**inputs) -> value; after: further tensors the call leaves behind, read after it."""
    live = {k: t.clone().requires_grad_(True) if t.is_floating_point() and not k.startswith("_") else t.clone() for k, t in inputs.items()}
    y = f(**{k.lstrip("_"): t for k, t in live.items()})
    weights = torch.tensor([0.5 + 0.37 * (i % 7) for i in range(y.numel())]).reshape(y.shape)
    wanted = {k: t for k, t in live.items() if t.requires_grad}
    grads = torch.autograd.grad((weights * y).sum(), list(wanted.values()), allow_unused=True)
    grads = [torch.zeros_like(t) if g is None else g for g, t in zip(grads, wanted.values())]
    lines = ['  { op = "%s",' % op]
    if options:
        lines.append("    options = { %s }," % ", ".join("%s = %s" % (k, text(v)) for k, v in options.items()))
    if size is not None:
        lines.append("    size = %s," % text(size))
    lines.append("    inputs = { %s }," % ", ".join("%s = %s" % (k.lstrip("_"), tensor(t)) for k, t in inputs.items()))
    lines.append("    value = %s," % tensor(y))
    lines.append("    grads = { %s }," % ", ".join("%s = %s" % (k, tensor(g)) for k, g in zip(wanted, grads)))
    if after:
        lines.append("    after = { %s }," % ", ".join("%s = %s" % (k, tensor(live["_" + k])) for k in after))
    lines.append("  },")
    out.append("\n".join(lines))


def short(t):
    """Few digits, so that the file stays small; no two entries alike, so that a maximum is unique."""
    return torch.round(t * 512) / 512 + torch.arange(t.numel()).reshape(t.shape) / 2**20


def normal(*shape):
    return short(torch.randn(*shape))


def distribution(*shape):
    return F.softmax(torch.randn(*shape), -1)


# Convolution: channels, image, kernel, stride, padding.
for n, c, h, w, o, kh, kw, stride, padding in [
    (2, 3, 5, 6, 4, 3, 2, 1, 0), (1, 1, 4, 4, 1, 1, 1, 1, 0), (2, 2, 7, 5, 3, 3, 3, 2, 1), (1, 2, 5, 8, 2, 2, 3, (2, 3), (1, 2)),
    (3, 1, 4, 4, 2, 4, 4, 1, 0), (1, 2, 3, 3, 2, 3, 3, 3, 3), (1, 2, 6, 2, 3, 5, 1, (3, 1), (2, 0)), (2, 1, 1, 9, 2, 1, 4, (1, 2), (0, 3)),
]:
    for bias in (True, False)[: 1 + (n * c == 1)]:
        inputs = {"x": normal(n, c, h, w), "w": normal(o, c, kh, kw)}
        if bias:
            inputs["b"] = normal(o)
        case("conv2d", inputs, lambda x, w, b=None, s=stride, p=padding: F.conv2d(x, w, b, stride=s, padding=p), {"stride": stride, "padding": padding})
for n, c, l, o, k, stride, padding in [(2, 3, 8, 4, 3, 1, 0), (1, 2, 7, 2, 2, 3, 1), (2, 1, 5, 3, 5, 1, 4), (1, 1, 1, 1, 1, 1, 0), (3, 2, 9, 1, 4, 2, 2)]:
    inputs = {"x": normal(n, c, l), "w": normal(o, c, k), "b": normal(o)}
    case("conv1d", inputs, lambda x, w, b, s=stride, p=padding: F.conv1d(x, w, b, stride=s, padding=p), {"stride": stride, "padding": padding})

# Pooling.
for shape, size, stride, padding in [
    ((2, 3, 6, 4), 2, None, 0), ((1, 2, 7, 5), 3, 2, 1),
    ((2, 1, 5, 6), (2, 3), (1, 2), (1, 0)), ((1, 1, 4, 4), 4, 1, 2), ((1, 2, 5, 5), 3, 1, 0), ((2, 2, 3, 3), 1, 2, 0),
]:
    options = {"padding": padding}
    if stride is not None:
        options["stride"] = stride
    case("max_pool", {"x": normal(*shape)}, lambda x, k=size, s=stride, p=padding: F.max_pool2d(x, k, stride=s, padding=p), options, size)
    case("avg_pool", {"x": normal(*shape)}, lambda x, k=size, s=stride, p=padding: F.avg_pool2d(x, k, stride=s, padding=p), options, size)
for shape, size, stride, padding in [((2, 3, 8), 2, 2, 0), ((1, 2, 9), 3, 2, 1), ((2, 1, 5), 5, 1, 0)]:
    options = {"stride": stride, "padding": padding}
    case("max_pool", {"x": normal(*shape)}, lambda x, k=size, s=stride, p=padding: F.max_pool1d(x, k, stride=s, padding=p), options, size)
    case("avg_pool", {"x": normal(*shape)}, lambda x, k=size, s=stride, p=padding: F.avg_pool1d(x, k, stride=s, padding=p), options, size)
case("max_pool", {"x": torch.tensor([[[[1.0, 3.0, 3.0, 2.0], [3.0, 1.0, 0.0, 3.0]]]])}, lambda x: F.max_pool2d(x, 2), {}, 2)  # equals: the first has it

# Softmax family.
for shape in [(5,), (3, 4), (2, 3, 5), (1, 1), (2, 130)]:
    for axis in {1, len(shape)}:
        case("softmax", {"x": normal(*shape)}, lambda x, a=axis - 1: F.softmax(x, a), None, axis)
        case("log_softmax", {"x": normal(*shape)}, lambda x, a=axis - 1: F.log_softmax(x, a), None, axis)

# Losses over elements.
signs = lambda *shape: torch.sign(torch.randn(*shape))
for shape, how in itertools.product([(6,), (3, 4), (2, 1, 5)], ["mean", "sum", "none"]):
    o = {"reduction": how}
    a, b = normal(*shape), normal(*shape)
    case("mse", {"a": a, "b": b}, lambda a, b: F.mse_loss(a, b, reduction=how), o)
    case("l1", {"a": a, "b": b}, lambda a, b: F.l1_loss(a, b, reduction=how), o)
    for delta in (1.0, 0.3)[: 2 - (how == "sum")]:
        case("huber", {"a": a, "b": b}, lambda a, b, d=delta: F.huber_loss(a, b, delta=d, reduction=how), {"reduction": how, "delta": delta})
    p, y = torch.rand(*shape) * 0.98 + 0.01, torch.rand(*shape)
    case("bce", {"a": p, "_b": y}, lambda a, b: F.binary_cross_entropy(a, b, reduction=how), o)
    case("bce", {"a": p, "_b": torch.round(y)}, lambda a, b: F.binary_cross_entropy(a, b, reduction=how), o)
    case("bce_with_logits", {"a": a * 3, "b": y}, lambda a, b: F.binary_cross_entropy_with_logits(a, b, reduction=how), o)
    s = signs(*shape)
    reduce = {"mean": torch.mean, "sum": torch.sum, "none": lambda v: v}[how]
    case("hinge", {"a": a, "_b": s}, lambda a, b: reduce(torch.clamp(1 - b * a, min=0)), o)
    q, p = distribution(*shape), distribution(*shape)
    case("kl", {"a": torch.log(q), "b": p}, lambda a, b: F.kl_div(a, b, reduction=how), o)
case("bce_with_logits", {"a": torch.tensor([-800.0, 800.0, -40.0, 40.0, 0.0]), "_b": torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0])},
     lambda a, b: F.binary_cross_entropy_with_logits(a, b))
case("kl", {"a": torch.log(torch.tensor([0.25, 0.75])), "_b": torch.tensor([0.0, 1.0])}, lambda a, b: F.kl_div(a, b, reduction="sum"), {"reduction": "sum"})

# Losses over classes: PyTorch has them on axis 2, here they are last.
for shape, how in itertools.product([(4, 3), (7, 10), (2, 3, 5), (2, 130)], ["mean", "sum", "none"]):
    if shape[-1] > 100 and how != "mean":
        continue
    o = {"reduction": how}
    x, target = normal(*shape) * 2, torch.randint(shape[-1], shape[:-1])
    flat = lambda f, a, b: f(a.reshape(-1, shape[-1]), b.reshape(-1), reduction=how).reshape(b.shape if how == "none" else ())
    case("cross_entropy", {"a": x, "b": target}, lambda a, b: flat(F.cross_entropy, a, b), o)
    case("nll", {"a": F.log_softmax(x, -1), "b": target}, lambda a, b: flat(F.nll_loss, a, b), o)
    rows = lambda a, b: F.cross_entropy(a.reshape(-1, shape[-1]), b.reshape(-1, shape[-1]), reduction=how)
    case("cross_entropy", {"a": x, "b": distribution(*shape)}, lambda a, b: rows(a, b).reshape(shape[:-1] if how == "none" else ()), o)

# Normalisation.
for shape, axes, learned in [((4, 5), 1, True), ((2, 3, 4), 2, True), ((3, 6), 1, False), ((1, 150), 1, True), ((5, 2), 1, True)]:
    inputs = {"x": normal(*shape) * 3 + 1}
    if learned:
        inputs["w"], inputs["b"] = normal(*shape[-axes:]), normal(*shape[-axes:])
    for eps in (1e-5, 0.1):
        case("layer_norm", inputs, lambda x, w=None, b=None, n=axes, e=eps, s=shape: F.layer_norm(x, s[-n:], w, b, e), {"eps": eps})
for shape, train, learned, momentum in [
    ((6, 3), True, True, 0.1), ((4, 2, 5), True, False, 0.1), ((3, 2, 4, 3), True, True, 0.25), ((2, 3, 2, 2), False, True, 0.1), ((5, 2), False, False, 0.1),
    ((2, 1), True, True, 1.0), ((3, 2, 7, 7), True, True, 0.1),
]:
    c = shape[1]
    inputs = {"x": normal(*shape) * 2 - 1, "_mean": normal(c), "_var": torch.rand(c) + 0.5}
    if learned:
        inputs["w"], inputs["b"] = normal(c), normal(c)
    case("batch_norm", inputs, lambda x, mean, var, w=None, b=None, t=train, m=momentum: F.batch_norm(x, mean, var, w, b, t, m),
         {"train": train, "momentum": momentum}, after=("mean", "var"))

# Embedding.
for shape, rows, width in [((4,), 3, 2), ((2, 3), 5, 4), ((1, 2, 2), 2, 1)]:
    case("embedding", {"index": torch.randint(rows, shape), "w": normal(rows, width)}, lambda index, w: F.embedding(index, w))

print("-- Made by make_nn.py with PyTorch %s; do not edit." % torch.__version__.split("a")[0])
print("return {")
print("\n".join(out))
print("}")
