#!/usr/bin/env python3
"""One training step of small networks here and in PyTorch, on one core, one after the other: /usr/bin/python3 tests/bench/mlp_step.py

Same sizes, batch, loss and optimizer (tests/bench/mlp_step.lua). Prints microseconds (medians of five) and the ratio; the machine's load moves
both, so the ratio is what to quote.
"""
import os
import subprocess
import time

import torch

torch.set_num_threads(1)
here = os.path.dirname(os.path.abspath(__file__))
command = os.environ.get("THALWEG", os.path.join(here, "../../build/thalweg"))


def torch_step(sizes, batch, n):
    layers = []
    for i in range(len(sizes) - 1):
        layers.append(torch.nn.Linear(sizes[i], sizes[i + 1]))
        if i < len(sizes) - 2:
            layers.append(torch.nn.ReLU())
    model = torch.nn.Sequential(*layers)
    x, y = torch.randn(4096, sizes[0]), torch.randint(0, sizes[-1], (4096,))
    opt, loss_of = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9), torch.nn.CrossEntropyLoss()

    def run(steps):
        for i in range(steps):
            j = (i * batch) % (4096 - batch)
            opt.zero_grad()
            loss = loss_of(model(x[j:j + batch]), y[j:j + batch])
            loss.backward()
            opt.step()

    run(n // 10)
    times = []
    for _ in range(5):
        t = time.perf_counter()
        run(n)
        times.append((time.perf_counter() - t) / n * 1e6)
    return sorted(times)[2]


output = subprocess.run([command, "lua", os.path.join(here, "mlp_step.lua")], capture_output=True, text=True, check=True).stdout
ours = dict(line.split() for line in output.splitlines())
for sizes, batch, n in (([2, 16, 2], 32, 1000), ([64, 32, 10], 32, 1000), ([784, 128, 10], 64, 300)):
    name = "-".join(map(str, sizes))
    theirs = torch_step(sizes, batch, n)
    print(f"{name:12} {float(ours[name]):8.1f} us here {theirs:8.1f} us PyTorch  ratio {theirs / float(ours[name]):5.1f}")
