#!/usr/bin/env python3
"""Makes optim_solve.lua: numbers of PyTorch's L-BFGS and of a fit in NumPy, in f64, to hold the engine's solvers against.

lbfgs: iterates of torch.optim.LBFGS with max_iter = 1 and no line search, one per step, on a smooth convex function of 6 variables,
  f(x) = sum_i c_i (x_i - b_i)^2 / 2 + (sum_i x_i^2)^2 / 40;  spread: the largest difference a start moved by one ulp makes.
wolfe: where torch's strong_wolfe ends on the generalized Rosenbrock function of 4 variables.
curve: the least-squares fit y = a exp(b t) + c by Newton iteration on the normal equations in NumPy, to a gradient of 1e-12.
Run in the repository: /usr/bin/python3 tests/golden/make_optim_solve.py > tests/golden/optim_solve.lua
"""
import numpy as np
import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
C = torch.tensor([1.0, 2.0, 5.0, 10.0, 20.0, 50.0])
B = torch.tensor([1.0, -1.0, 0.5, 2.0, -0.25, 0.75])
START = [2.0, 1.0, -1.0, 0.5, 1.5, -2.0]
STEPS = 25


def numbers(values):
    return "{" + ", ".join(float(v).hex() for v in values) + "}"


def convex(x):
    return (C * (x - B) ** 2).sum() / 2 + (x ** 2).sum() ** 2 / 40


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def iterates(config, perturbed):
    x = torch.tensor(START)
    if perturbed:
        x = torch.nextafter(x, torch.full_like(x, 9.0))
    x.requires_grad_(True)
    opt = torch.optim.LBFGS([x], max_iter=1, **config)

    def closure():
        opt.zero_grad()
        loss = convex(x)
        loss.backward()
        return loss
    out = []
    for _ in range(STEPS):
        opt.step(closure)
        out.append(x.detach().clone())
    return torch.stack(out)


def wolfe():
    x = torch.tensor([-1.2, 1.0, -1.2, 1.0], requires_grad=True)
    opt = torch.optim.LBFGS([x], max_iter=500, max_eval=5000, line_search_fn="strong_wolfe", tolerance_grad=1e-10, tolerance_change=0)

    def closure():
        opt.zero_grad()
        loss = rosenbrock(x)
        loss.backward()
        return loss
    opt.step(closure)
    return x.detach()


def curve():
    t = np.arange(12) * 0.25
    y = 2.0 * np.exp(-1.3 * t) + 0.5 + 0.05 * np.array([((7919 * i) % 13) / 6.0 - 1 for i in range(12)])
    p = np.array([1.5, -1.0, 0.3])
    for _ in range(100):
        e = np.exp(p[1] * t)
        r = p[0] * e + p[2] - y
        jac = np.stack([e, p[0] * t * e, np.ones_like(t)], 1)
        hess = jac.T @ jac
        hess[0, 1] += (r * t * e).sum()
        hess[1, 0] += (r * t * e).sum()
        hess[1, 1] += (r * p[0] * t * t * e).sum()
        g = jac.T @ r
        if np.abs(g).max() < 1e-14:
            break
        p = p - np.linalg.solve(hess, g)
    assert np.abs(g).max() < 1e-12
    return t, y, p, 0.5 * (r ** 2).sum()


print("-- Made by make_optim_solve.py with PyTorch %s; do not edit." % torch.__version__.split("a")[0])
print("return {")
print("  start = %s, c = %s, b = %s," % (numbers(START), numbers(C), numbers(B)))
print("  lbfgs = {")
for text, config in [("", {}), ("lr = 0.5", {"lr": 0.5}), ("history = 2", {"history_size": 2}), ("lr = 0.8, history = 1", {"lr": 0.8, "history_size": 1})]:
    a, b = iterates(config, False), iterates(config, True)
    print("    { options = { %s }, spread = %s, x = {" % (text, float((a - b).abs().max()).hex()))
    for row in a:
        print("      %s," % numbers(row))
    print("    } },")
print("  },")
print("  wolfe = %s," % numbers(wolfe()))
t, y, p, f = curve()
print("  curve = { t = %s, y = %s," % (numbers(t), numbers(y)))
print("    params = %s, loss = %s }," % (numbers(p), float(f).hex()))
print("}")
