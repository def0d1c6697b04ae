#!/usr/bin/env python3
"""Makes optim.lua: PyTorch's optimizers in f64, to hold the engine's against (tests/lua/optim_golden_spec.lua).

Problems: an ill-conditioned quadratic of 10 variables with mixed axes, Rosenbrock's function of 4, and a 4-8-3 tanh network on data/iris.csv as in
make_sgd.py, with a little L2 so that it has a minimum. For every configuration:
  steps  parameters, gradient and state before step t, parameters after it: Rosenbrock at t = 1, 2, 3, 10, 100, 1000, the quadratic at three of
         them, the network's biases at 100 (all rules are elementwise). At t = 1 there is no state yet.
  ends   the parameters (for ASGD the averages after them) after 100 and 1000 free steps, and `spread`, the largest difference then that moving every
         starting value by one ulp, up or down, made. Some runs are chaotic by step 1000; by step 100 hardly one is.
Vectors are strings of hexadecimal floats. NAdam runs with foreach=True: the other path of 1.13 multiplies mu_t twice into one bias correction.
Run in the repository: /usr/bin/python3 tests/golden/make_optim.py > tests/golden/optim.lua
"""
import csv
import math
import os
import torch

torch.set_default_dtype(torch.float64)  # ASGD's eta and NAdam's mu_product take it too
torch.set_num_threads(1)
here = os.path.dirname(os.path.abspath(__file__))
rows = list(csv.reader(open(os.path.join(here, "../../data/iris.csv"))))[1:]
X = torch.tensor([[float(v) for v in r[:4]] for r in rows])
Y = torch.tensor([int(r[4]) for r in rows])
SHAPES = {"b1": (8,), "b2": (3,), "w1": (4, 8), "w2": (8, 3)}
CURVATURE = torch.tensor([.01, .02, .05, .1, .2, .5, 1., 2., 5., 10.])
MIRROR = torch.arange(1., 11.)
ENDS = (100, 1000)
SHOWN = {"rosenbrock": (1, 2, 3, 10, 100, 1000), "quadratic": (2, 10, 1000), "network": (100,)}

# kind, PyTorch's class, its arguments
CONFIGS = [
    ("sgd", "SGD", dict(lr=5e-4, momentum=.9)),
    ("sgd", "SGD", dict(lr=5e-4, momentum=.9, nesterov=True, weight_decay=.01)),
    ("sgd", "SGD", dict(lr=1e-3, momentum=.5, dampening=.3)),
    ("asgd", "ASGD", dict(lr=5e-4)),
    ("asgd", "ASGD", dict(lr=1e-3, lambd=.01, alpha=.6, t0=20, weight_decay=.02)),
    ("adagrad", "Adagrad", dict(lr=.1)),
    ("adagrad", "Adagrad", dict(lr=.5, lr_decay=.01, weight_decay=.01, initial_accumulator_value=.1, eps=1e-3)),
    ("adadelta", "Adadelta", dict()),
    ("adadelta", "Adadelta", dict(lr=.02, rho=.95, eps=1e-3, weight_decay=.01)),
    ("rmsprop", "RMSprop", dict(lr=1e-3)),
    ("rmsprop", "RMSprop", dict(lr=1e-4, alpha=.99, momentum=.9, eps=1e-3)),
    ("rmsprop", "RMSprop", dict(lr=1e-3, alpha=.95, centered=True, eps=.1, weight_decay=.01)),
    ("rmsprop", "RMSprop", dict(lr=2e-4, alpha=.95, centered=True, momentum=.5, eps=1e-2)),
    ("adam", "Adam", dict(lr=3e-3)),
    ("adam", "Adam", dict(lr=2e-3, betas=(.8, .99), eps=1e-2, weight_decay=.01)),
    ("amsgrad", "Adam", dict(lr=.01, betas=(.9, .9), amsgrad=True)),
    ("adamw", "AdamW", dict(lr=3e-3)),
    ("adamw", "AdamW", dict(lr=5e-3, betas=(.7, .95), weight_decay=.1, amsgrad=True, eps=1e-3)),
    ("adamax", "Adamax", dict(lr=.01)),
    ("adamax", "Adamax", dict(lr=2e-3, betas=(.8, .999), eps=1e-3, weight_decay=.01)),
    ("nadam", "NAdam", dict(lr=.01, foreach=True)),
    ("nadam", "NAdam", dict(lr=1e-3, betas=(.8, .99), momentum_decay=.1, weight_decay=.01, eps=1e-2, foreach=True)),
    ("radam", "RAdam", dict(lr=5e-4)),
    ("radam", "RAdam", dict(lr=2e-4, betas=(.8, .99), eps=1e-2, weight_decay=.01)),
    ("rprop", "Rprop", dict()),
    ("rprop", "Rprop", dict(lr=.1, etas=(.6, 1.1), step_sizes=(1e-4, .2))),
]
STATE = {
    "momentum_buffer": "velocity", "sum": "sum", "exp_avg": "m", "exp_avg_sq": "v", "max_exp_avg_sq": "v_max", "exp_inf": "u", "grad_avg": "mean",
    "prev": "previous", "step_size": "step", "ax": "average",
}
OWN = {"adadelta": {"square_avg": "v", "acc_delta": "u"}, "rmsprop": {"square_avg": "v"}}
PAIRS = {"betas": ("beta1", "beta2"), "etas": ("eta_minus", "eta_plus"), "step_sizes": ("step_min", "step_max")}


def quadratic(p):
    x = p["x"]
    y = x - 2 * (MIRROR @ x) / (MIRROR @ MIRROR) * MIRROR
    return .5 * (CURVATURE * (y - 1) ** 2).sum()


def rosenbrock(p):
    x = p["x"]
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def network(p):
    decay = sum((p[n] ** 2).sum() for n in ("w1", "w2", "b1", "b2"))
    return torch.nn.functional.cross_entropy(torch.tanh(X @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"], Y) + .005 * decay


def start(problem):
    if problem is quadratic:
        return {"x": 1.5 - .3 * torch.arange(10.)}
    if problem is rosenbrock:
        return {"x": torch.tensor([-1.2, 1., -1.2, 1.])}
    out = {}
    for name in sorted(SHAPES):
        n = math.prod(SHAPES[name])
        out[name] = torch.tensor([((i * 7919 + len(out) * 131) % 1000) / 1000 - 0.5 for i in range(n)]).reshape(SHAPES[name])
    return out


def numbers(*tensors):
    return '"' + " ".join(float(v).hex() for t in tensors for v in t.detach().reshape(-1)) + '"'


def slots(kind, opt, tensors):
    names = {**STATE, **OWN.get(kind, {})}
    out = []
    for name in sorted(opt.state[tensors[0]], key=lambda n: names.get(n, "")):
        if name in names and opt.state[tensors[0]][name] is not None:
            out.append("%s = %s" % (names[name], numbers(*(opt.state[t][name] for t in tensors))))
    text = "slots = { %s }" % ", ".join(out)
    if "mu_product" in opt.state[tensors[0]]:
        text += ", mu_product = %s" % float(opt.state[tensors[0]]["mu_product"]).hex()
    return text


def parameters(name, opt, p):
    end = [p[n] for n in sorted(p)]
    if name == "ASGD":
        end += [opt.state[p[n]]["ax"] for n in sorted(p)]
    return torch.cat([q.detach().reshape(-1) for q in end])


def run(problem, kind, name, arguments, towards, shown):
    p = start(problem)
    for n in p:
        if towards:
            p[n] = torch.nextafter(p[n], torch.full_like(p[n], towards))
        p[n].requires_grad_(True)
    opt = getattr(torch.optim, name)([p[n] for n in sorted(p)], **arguments)
    seen = [p[n] for n in sorted(p) if n in ("x", "b1", "b2")]
    lines, ends = [], {}
    for t in range(1, max(ENDS) + 1):
        opt.zero_grad()
        problem(p).backward()
        if t in shown:
            line = "{ t = %d, p = %s, g = %s" % (t, numbers(*seen), numbers(*(q.grad for q in seen)))
            if t > 1:
                line += ", " + slots(kind, opt, seen)
            opt.step()
            lines.append(line + ", after = %s }" % numbers(*seen))
        else:
            opt.step()
        if t in ENDS:
            ends[t] = parameters(name, opt, p)
    return ends, lines


print("-- Made by make_optim.py with PyTorch %s; do not edit." % torch.__version__.split("a")[0])
print("return {")
for kind, name, arguments in CONFIGS:
    options = []
    for k, v in arguments.items():
        if k == "foreach":
            continue
        for field, value in zip(PAIRS[k], v) if k in PAIRS else [(k, v)]:
            options.append("%s = %s" % (field, str(value).lower()))
    print('  { kind = "%s", options = { %s }, steps = {' % (kind, ", ".join(options)))
    ends = []
    for problem in (rosenbrock, quadratic, network):
        shown = SHOWN[problem.__name__]
        free, lines = run(problem, kind, name, arguments, None, shown)
        for line in lines:
            print("    " + line + ",")
        moved = [run(problem, kind, name, arguments, to, ())[0] for to in (9., -9.)]
        for t in ENDS:
            spread = max(float((free[t] - other[t]).abs().max()) for other in moved)
            ends.append('    { problem = "%s", t = %d, spread = %s, p = %s },' % (problem.__name__, t, spread.hex(), numbers(free[t])))
    print("  }, ends = {")
    print("\n".join(ends))
    print("  } },")
print("}")
