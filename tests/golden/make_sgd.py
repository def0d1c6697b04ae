#!/usr/bin/env python3
"""Makes sgd.lua: trajectories of PyTorch's SGD, in f64, to hold the engine's against.

Problem: a 4-8-3 tanh network on data/iris.csv, cross-entropy over all 150 rows, 200 steps; starting weights by formula.
Each configuration runs twice, the second time from parameters moved by one ulp; `spread` is the largest difference this makes,
which says how much rounding alone may do. Run in the repository: /usr/bin/python3 tests/golden/make_sgd.py > tests/golden/sgd.lua
"""
import csv
import math
import os
import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
here = os.path.dirname(os.path.abspath(__file__))
rows = list(csv.reader(open(os.path.join(here, "../../data/iris.csv"))))[1:]
X = torch.tensor([[float(v) for v in r[:4]] for r in rows])
Y = torch.tensor([int(r[4]) for r in rows])
SHAPES = {"b1": (8,), "b2": (3,), "w1": (4, 8), "w2": (8, 3)}
STEPS = 200
CONFIGS = [
    dict(lr=0.05), dict(lr=0.05, momentum=0.9), dict(lr=0.05, momentum=0.9, dampening=0.5),
    dict(lr=0.05, momentum=0.9, nesterov=True), dict(lr=0.05, momentum=0.8, weight_decay=0.01),
]


def start():
    out = {}
    for name in sorted(SHAPES):
        n = math.prod(SHAPES[name])
        out[name] = torch.tensor([((i * 7919 + len(out) * 131) % 1000) / 1000 - 0.5 for i in range(n)]).reshape(SHAPES[name])
    return out


def run(config, perturbed):
    p = start()
    if perturbed:
        for name in p:
            p[name] = torch.nextafter(p[name], torch.full_like(p[name], 2.0))
    for name in p:
        p[name].requires_grad_(True)
    opt = torch.optim.SGD([p[name] for name in sorted(p)], **config)
    losses = []
    for _ in range(STEPS):
        opt.zero_grad()
        loss = torch.nn.functional.cross_entropy(torch.tanh(X @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"], Y)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, {name: p[name].detach().reshape(-1) for name in sorted(p)}


def numbers(values):
    return "{" + ", ".join(float(v).hex() for v in values) + "}"


print("-- Made by make_sgd.py with PyTorch %s; do not edit." % torch.__version__.split("a")[0])
print("return {")
for config in CONFIGS:
    losses, p = run(config, False)
    losses2, q = run(config, True)
    spread = max([abs(a - b) for a, b in zip(losses, losses2)] + [float((p[n] - q[n]).abs().max()) for n in p])
    options = ", ".join("%s = %s" % (k, str(v).lower()) for k, v in config.items())
    print("  { options = { %s }, spread = %s," % (options, spread.hex()))
    print("    losses = %s," % numbers(losses))
    print("    params = {")
    for n in p:
        print("      %s = %s," % (n, numbers(p[n])))
    print("    } },")
print("}")
