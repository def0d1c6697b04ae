#!/usr/bin/env python3
"""Makes linalg.lua: values and gradients of PyTorch's linear algebra, in f64, to hold the engine's against.

Operands come from a generator that both sides have (31-bit linear congruential, see numbers()); only results are recorded. The gradient is that
of the weighted sum of all results. Where signs are free, PyTorch's are turned by the engine's rule: in each column the first entry whose
magnitude comes within a factor 1 - 2^-10 of the largest is positive; R's diagonal is positive.
Run in the repository: /usr/bin/python3 tests/golden/make_linalg.py > tests/golden/linalg.lua
"""
import numpy
import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
LA = torch.linalg


def numbers(seed, shape):
    state, out, n = seed, [], 1
    for d in shape:
        n *= d
    for _ in range(n):
        state = (state * 1103515245 + 12345) % 2 ** 31
        out.append(state / 2 ** 31 * 2 - 1)
    return torch.tensor(out).reshape(shape)


def t(x):
    return x.transpose(-2, -1)


def positive_columns(u):
    size = u.detach().abs()
    leads = size >= size.max(dim=-2, keepdim=True).values * (1 - 2.0 ** -10)
    first = leads.to(torch.float64).argmax(dim=-2, keepdim=True)
    return torch.sign(u.detach().gather(-2, first))


def eigh(x):
    w, v = LA.eigh((x + t(x)) / 2)
    return w, v * positive_columns(v)


def svd(x):
    u, s, vt = LA.svd(x, full_matrices=False)
    sign = positive_columns(u)
    return u * sign, s, vt * t(sign)


def qr(x):
    """Of a wide matrix: its left square's factorisation and a product, which PyTorch can differentiate."""
    m = x.shape[-2]
    q, r = LA.qr(x[..., :m])
    sign = torch.sign(torch.diagonal(r, dim1=-2, dim2=-1).detach())
    q, r = q * sign.unsqueeze(-2), r * sign.unsqueeze(-1)
    return (q, r) if x.shape[-1] <= m else (q, torch.cat([r, t(q) @ x[..., m:]], -1))


def lstsq(a, b):
    x = LA.pinv(a) @ b
    if a.dim() == 2 and b.dim() <= 2:
        assert numpy.allclose(x.detach().numpy(), numpy.linalg.lstsq(a.detach().numpy(), b.detach().numpy(), rcond=None)[0])
    return x, ((b - a @ x) ** 2).sum(0) if b.dim() == 1 else ((b - a @ x) ** 2).sum(-2)


FUNCTIONS = {
    "solve": LA.solve, "lstsq": lstsq, "inverse": LA.inv, "det": LA.det, "slogdet": lambda x: tuple(LA.slogdet(x)), "pinv": LA.pinv,
    "cholesky": lambda x: LA.cholesky(x @ t(x) + torch.eye(x.shape[-1])), "eigh": eigh, "svd": svd, "svdvals": LA.svdvals, "qr": qr,
    "eigvalsh": lambda x: LA.eigvalsh((x + t(x)) / 2),
    "lower": lambda a, b: LA.solve_triangular(a.tril(), b, upper=False), "upper": lambda a, b: LA.solve_triangular(a.triu(), b, upper=True),
    "unit": lambda a, b: LA.solve_triangular(a, b, upper=True, unitriangular=True),
    "transposed": lambda a, b: LA.solve_triangular(t(a.tril()), b, upper=True),
    "power": lambda x: LA.matrix_power(x, 5), "negative_power": lambda x: LA.matrix_power(x, -3),
    "cond": LA.cond,
    "cond_fro": lambda x: LA.matrix_norm(x) * LA.matrix_norm(LA.inv(x)), "cond_1": lambda x: LA.matrix_norm(x, 1) * LA.matrix_norm(LA.inv(x), 1),
    "cond_min": lambda x: LA.cond(x, -2),
    "norm": LA.matrix_norm, "norm_nuc": lambda x: LA.matrix_norm(x, "nuc"), "norm_1": lambda x: LA.matrix_norm(x, 1),
    "norm_inf": lambda x: LA.matrix_norm(x, float("inf")), "norm_2": lambda x: LA.matrix_norm(x, 2), "norm_min": lambda x: LA.matrix_norm(x, -2),
    "vector_2": lambda x: LA.vector_norm(x, 2, dim=-1), "vector_3": lambda x: LA.vector_norm(x, 3, dim=-1),
    "vector_inf": lambda x: LA.vector_norm(x, float("inf"), dim=-1), "vector_0": lambda x: LA.vector_norm(x, 0, dim=-1),
}
SQUARE = [[(1, 1)], [(2, 2)], [(3, 3)], [(5, 5)], [(2, 3, 3)], [(2, 2, 4, 4)]]
ANY = SQUARE + [[(4, 2)], [(2, 4)], [(5, 1)], [(1, 3)], [(2, 5, 3)], [(2, 3, 5)]]
SIDES = [[(2, 2), (2,)], [(3, 3), (3,)], [(4, 4), (4, 2)], [(2, 3, 3), (2, 3, 2)], [(2, 3, 3), (3, 2)], [(3, 3), (2, 3, 1)]]
MATRICES = [s for s in SIDES if len(s[1]) > 1]
SHAPES = {"solve": SIDES, "lstsq": SIDES + [[(5, 2), (5,)], [(2, 4), (2, 3)], [(2, 5, 3), (2, 5, 2)]], "lower": MATRICES, "upper": MATRICES, "unit": MATRICES,
          "transposed": MATRICES, "pinv": ANY, "svd": ANY, "svdvals": ANY, "qr": ANY, "cond": ANY, "norm": ANY, "norm_nuc": ANY, "norm_1": ANY, "norm_inf": ANY,
          "norm_2": ANY, "norm_min": ANY, "vector_2": ANY, "vector_3": ANY, "vector_inf": ANY, "vector_0": ANY}


def text(x):
    return "{" + ", ".join(repr(float(v)) for v in x.detach().reshape(-1)) + "}"


print("-- Made by make_linalg.py with PyTorch %s; do not edit." % torch.__version__.split("a")[0])
print("return {")
seed = 0
for name, f in FUNCTIONS.items():
    for shapes in SHAPES.get(name, SQUARE):
        seed += 1
        arguments = [numbers(seed * 10 + i, s).requires_grad_(True) for i, s in enumerate(shapes)]
        shifted = arguments[:]
        if shapes[0][-1] == shapes[0][-2]:
            shifted[0] = shifted[0] + 1.5 * torch.eye(shapes[0][-1])
        out = f(*shifted)
        out = out if isinstance(out, tuple) else (out,)
        loss = sum((o * numbers(seed * 10 + 5 + i, tuple(o.shape))).sum() for i, o in enumerate(out))
        if not loss.requires_grad:
            loss = loss + 0 * sum(a.sum() for a in arguments)
        grads = torch.autograd.grad(loss, arguments, allow_unused=True)
        grads = [torch.zeros_like(a) if g is None else g for a, g in zip(arguments, grads)]
        print('  { f = "%s", seed = %d, shapes = { %s },' % (name, seed * 10, ", ".join("{ %s }" % ", ".join(map(str, s)) for s in shapes)))
        print("    out = { %s }," % ", ".join(text(o) for o in out))
        print("    grad = { %s } }," % ", ".join(text(g) for g in grads))
print("}")
