#!/usr/bin/env python3
"""What a sweep in lanes costs beside PyTorch: /usr/bin/python3 tests/bench/lanes.py [limit]

Momentum descent on 0.1 x1^2 + 2 x2^2, 1000 learning rates: per run and step here, in PyTorch batched by hand at the same width, and in PyTorch run by run. Then
64 learning rates of a 64-32-10 network beside PyTorch run by run and, where the program `limit` (the same step by hand in C with OpenBLAS) is given, beside
that. One core, processor time. Everybody is measured in turn, five times over, because the machine's load moves every figure and not everybody's alike: what
is printed are medians and, of the ratios of one turn, the median and the range.
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
limit = sys.argv[1] if len(sys.argv) > 1 else None
ROUNDS = 5


def swept(script, steps):
    """Nanoseconds per run and step: the runs' shares of the pass, as the file has them, and those of the run that is also done alone."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.h5")
        subprocess.run([command, "run", os.path.join(here, script), "-o", out, "-j", "1", "--quiet"], check=True, cwd=folder)
        with h5py.File(out) as f:
            times = f["cpu_time"][:]
    return statistics.median(times) / steps * 1e9, max(times) / steps * 1e9


def timed(f, n):
    f(max(10, n // 10))
    t = time.process_time()
    f(n)
    return (time.process_time() - t) / n * 1e9


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


def by_hand():
    text = subprocess.run([limit], capture_output=True, text=True, check=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}).stdout
    return float(re.search(r"mlp 64-32-10 .*?us/step ([0-9.]+)", text)[1]) * 1000


def compare(title, ours, peers):
    """ours() -> (in lanes, alone); peers: name -> function of no arguments. Nanoseconds."""
    turns = [(ours(), {name: f() for name, f in peers.items()}) for _ in range(ROUNDS)]
    print(f"{title}: {statistics.median(t[0][0] for t in turns):.1f} ns per run and step, alone {statistics.median(t[0][1] for t in turns):.0f} ns")
    for name in peers:
        ratios = sorted(t[1][name] / t[0][0] for t in turns)
        print(f"  {name:38} {statistics.median(t[1][name] for t in turns):9.0f} ns   {ratios[len(ratios) // 2]:8.2f} times as much "
              f"({ratios[0]:.2f} to {ratios[-1]:.2f})")


peers = {}
for form, f in forms.items():
    peers[f"PyTorch, {form}, batched by hand"] = lambda f=f: timed(valley_batched(f), 300) / 1000
    peers[f"PyTorch, {form}, run by run"] = lambda f=f: timed(valley(f), 1000)
compare("quadratic, 1000 lanes", lambda: swept("lanes_valley.lua", 10000), peers)
peers = {"PyTorch, run by run": lambda: timed(mlp, 1000)}
if limit:
    peers["by hand in C with OpenBLAS"] = by_hand
compare("64-32-10, batch 32, 64 lanes", lambda: swept("lanes_mlp.lua", 3000), peers)
