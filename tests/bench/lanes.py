#!/usr/bin/env python3
"""What a sweep in lanes costs beside PyTorch: /usr/bin/python3 tests/bench/lanes.py [limit]

Momentum descent on 0.1 x1^2 + 2 x2^2, 1000 learning rates: per run and step here, in PyTorch batched by hand at the same width, and in PyTorch run by run. Then
64 learning rates of a 64-32-10 network beside PyTorch run by run and, where the program `limit` (the same step by hand in C with OpenBLAS) is given, beside
that. One core, processor time, medians, all in one go: the machine's load moves every figure, so the ratios are what to quote.
"""
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

import h5py
import torch

torch.set_num_threads(1)
here = os.path.dirname(os.path.abspath(__file__))
command = os.environ.get("THALWEG", os.path.join(here, "../../build/thalweg"))


def swept(script, steps):
    """Nanoseconds per run and step: the runs' shares of the pass, as the file has them; the run that is also done alone is left out."""
    times = []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(5):
            out = os.path.join(folder, "%d.h5" % i)
            subprocess.run([command, "run", os.path.join(here, script), "-o", out, "-j", "1", "--quiet"], check=True, cwd=folder)
            with h5py.File(out) as f:
                times.append(statistics.median(f["cpu_time"][:]) / steps * 1e9)
                alone = max(f["cpu_time"][:]) / steps * 1e9
    return statistics.median(times), alone


def median_of(f, n):
    f(max(10, n // 10))
    times = []
    for _ in range(5):
        t = time.process_time()
        f(n)
        times.append((time.process_time() - t) / n * 1e9)
    return statistics.median(times)


# The function as the lecture writes it, and as one product: the same numbers, fewer calls.
forms = {"written out": lambda x: 0.1 * x[..., 0] ** 2 + 2 * x[..., 1] ** 2,
         "one product": lambda x, scale=torch.tensor([0.1, 2.0], dtype=torch.float64): (scale * x * x).sum(-1)}


def valley(f):
    def steps(n):
        x = torch.tensor([-5.0, -2.0], dtype=torch.float64, requires_grad=True)
        opt = torch.optim.SGD([x], lr=0.001, momentum=0.5)
        for _ in range(n):
            opt.zero_grad()
            f(x).backward()
            opt.step()
    return steps


def valley_batched(f, width=1000):
    def steps(n):
        x = torch.tensor([[-5.0, -2.0]] * width, dtype=torch.float64, requires_grad=True)
        lr = torch.linspace(1e-4, 1e-3, width, dtype=torch.float64)[:, None]
        v = torch.zeros(width, 2, dtype=torch.float64)
        for _ in range(n):
            g, = torch.autograd.grad(f(x).sum(), x)
            with torch.no_grad():
                v.mul_(0.5).add_(g)
                x.sub_(lr * v)
    return steps


def mlp(n, batch=32):
    model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    x, y = torch.randn(1024, 64), torch.randint(0, 10, (1024,))
    opt, loss_of = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9), torch.nn.CrossEntropyLoss()
    for i in range(n):
        j = (i * batch) % (1024 - batch)
        opt.zero_grad()
        loss_of(model(x[j:j + batch]), y[j:j + batch]).backward()
        opt.step()


ours, alone = swept("lanes_valley.lua", 10000)
print(f"quadratic, 1000 lanes: {ours:7.2f} ns per run and step (alone {alone:.0f})")
for name, f in forms.items():
    by_hand, one = median_of(valley_batched(f), 300) / 1000, median_of(valley(f), 1000)
    print(f"  PyTorch, {name}: batched by hand {by_hand:.0f} ns, {by_hand / ours:.1f} times;  run by run {one:.0f} ns, {one / ours:.0f} times")
ours, alone = swept("lanes_mlp.lua", 1000)
one = median_of(mlp, 1000)
print(f"64-32-10, 64 lanes:    {ours / 1000:7.2f} us per run and step (alone {alone / 1000:.1f});  "
      f"PyTorch run by run {one / 1000:.0f} us, {one / ours:.1f} times")
if len(sys.argv) > 1:
    text = subprocess.run([sys.argv[1]], capture_output=True, text=True, check=True).stdout
    print(text)
