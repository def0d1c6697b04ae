#!/usr/bin/env python3
"""Makes schedules.lua: values of PyTorch's lr_scheduler classes, in f64, to hold the library's schedules against.

Each case is the schedule in Lua, the class it comes from, and its values at t = 0, 1, ... from a learning rate of 1. The closed form is
asked where the class has one (its chain of products rounds at every step). Where PyTorch has no such class the formula of Keras' or Optax'
documentation is evaluated here, in Python's own floats. `top`: the tolerance is relative to the largest value and not to each: a cosine near
pi and a line near its low end cancel. `slack` widens it where PyTorch itself rounds more than once; the reason stands beside it.
Run in the repository: /usr/bin/python3 tests/golden/make_schedules.py > tests/golden/schedules.lua
"""
import math
import warnings
import torch
from torch.optim import lr_scheduler as L

warnings.filterwarnings("ignore")


def optimizer(lr=1.0):
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr, momentum=0.9)


def closed(make, n, lr=1.0):
    s, out = make(optimizer(lr)), []
    for t in range(n):
        s.last_epoch = t
        out.append(s._get_closed_form_lr()[0])
    return out


def stepped(make, n, lr=1.0):
    opt = optimizer(lr)
    s, out = make(opt), []
    for t in range(n):
        out.append(opt.param_groups[0]["lr"])
        if t < n - 1:
            opt.step()
            s.step()
    return out


def function(f, n):
    return [float(f(t)) for t in range(n)]


def plateau(reports, **o):
    opt = optimizer()
    s, out = L.ReduceLROnPlateau(opt, eps=0, **o), []
    for r in reports:
        s.step(r)
        out.append(opt.param_groups[0]["lr"])
    return out


def keras_restarts(t, first, t_mul, m_mul, alpha):
    i, begin, length = 0, 0, first
    while t >= begin + length:
        i, begin, length = i + 1, begin + length, length * t_mul
    return (1 - alpha) * 0.5 * m_mul ** i * (1 + math.cos(math.pi * (t - begin) / length)) + alpha


def keras_polynomial_cycle(t, steps, power, end):
    steps = steps * (1 if t == 0 else math.ceil(t / steps))
    return (1 - end) * (1 - t / steps) ** power + end


def interpolate(t, boundaries, values, round):
    if t >= boundaries[-1]:
        return values[-1]
    points = [0] + boundaries
    for k in range(len(boundaries)):
        if points[k] <= t < points[k + 1]:
            x = (t - points[k]) / (points[k + 1] - points[k])
            if round:
                x = 0.5 - 0.5 * math.cos(math.pi * x)
            return values[k] * (1 - x) + values[k + 1] * x


CASES = [
    ("step{ size = 7, gamma = 0.3 }", "StepLR", closed(lambda o: L.StepLR(o, 7, 0.3), 60), ""),
    ("multistep{ milestones = { 5, 6, 20 }, gamma = 0.3 }", "MultiStepLR", closed(lambda o: L.MultiStepLR(o, [5, 6, 20], 0.3), 40), ""),
    ("join{ { 1/3, 5 }, 1 }", "ConstantLR", closed(lambda o: L.ConstantLR(o), 12), ""),
    ("linear{ from = 1/3, to = 1, steps = 5 }", "LinearLR", closed(lambda o: L.LinearLR(o), 12), ""),
    ("linear{ from = 1, to = 0.01, steps = 30 }", "LinearLR", closed(lambda o: L.LinearLR(o, 1, 0.01, 30), 40), "top = true"),
    ("exponential{ gamma = 0.9 }", "ExponentialLR", closed(lambda o: L.ExponentialLR(o, 0.9), 200), ""),
    ("exponential{ rate = 0.03 }", "LambdaLR", stepped(lambda o: L.LambdaLR(o, lambda t: math.exp(-0.03 * t)), 200), ""),
    ("exponential{ gamma = 0.5, every = 4 }", "Keras ExponentialDecay(staircase)", function(lambda t: 0.5 ** (t // 4), 30), ""),
    ("exponential{ rate = 0.5, every = 4 }", "the same by the rate", function(lambda t: math.exp(-0.5 * (t // 4)), 30), ""),
    ("inverse_time{ rate = 0.07 }", "LambdaLR", stepped(lambda o: L.LambdaLR(o, lambda t: 1 / (1 + 0.07 * t)), 100), ""),
    ("inverse_time{ rate = 0.5, every = 3 }", "Keras InverseTimeDecay(staircase)", function(lambda t: 1 / (1 + 0.5 * (t // 3)), 30), ""),
    ("inverse_power{ alpha = 0.75, beta = 0.2 }", "LambdaLR", stepped(lambda o: L.LambdaLR(o, lambda t: (1 + 0.2 * t) ** -0.75), 100), ""),
    ("inverse_sqrt{}", "LambdaLR", stepped(lambda o: L.LambdaLR(o, lambda t: (t + 1.0) ** -0.5), 100), ""),
    ("decay{ steps = 25, power = 2 }", "PolynomialLR", closed(lambda o: L.PolynomialLR(o, 25, 2.0), 40), ""),
    ("decay{ steps = 25, power = 0.5, to = 0.1 }", "Keras PolynomialDecay", function(lambda t: 0.9 * (1 - min(t, 25) / 25) ** 0.5 + 0.1, 40), ""),
    ("decay{ steps = 8, power = 1, to = 0.1, cycle = true }", "Keras PolynomialDecay(cycle)",
     function(lambda t: keras_polynomial_cycle(t, 8, 1, 0.1), 40), ""),
    ("cosine{ steps = 30, min = 0.05 }", "CosineAnnealingLR", closed(lambda o: L.CosineAnnealingLR(o, 30, 0.05), 31), "top = true"),
    ("cosine{ steps = 30, min = 0.05, exponent = 2 }", "Optax cosine_decay_schedule",
     function(lambda t: 0.95 * (0.5 * (1 + math.cos(math.pi * min(t, 30) / 30))) ** 2 + 0.05, 40), "top = true"),
    ("cosine_restarts{ period = 10, min = 0.01 }", "CosineAnnealingWarmRestarts",
     stepped(lambda o: L.CosineAnnealingWarmRestarts(o, 10, 1, 0.01), 60), "top = true"),
    ("cosine_restarts{ period = 5, mult = 2 }", "CosineAnnealingWarmRestarts",
     stepped(lambda o: L.CosineAnnealingWarmRestarts(o, 5, 2), 120), "top = true"),
    ("cosine_restarts{ period = 6, mult = 1.5, amplitude = 0.8, min = 0.1 }", "Keras CosineDecayRestarts",
     function(lambda t: keras_restarts(t, 6, 1.5, 0.8, 0.1), 80), "top = true"),
    # CyclicLR takes the position in the cycle as the fraction of 1 + t / length: up to 2^-53 (1 + t / length), times the slope of at most 4
    ("cyclic{ low = 0.1, up = 4 }", "CyclicLR", stepped(lambda o: L.CyclicLR(o, 0.1, 1.0, 4), 50), "top = true, slack = 30"),
    ("cyclic{ low = 0.1, up = 3, down = 5, mode = \"triangular2\" }", "CyclicLR",
     stepped(lambda o: L.CyclicLR(o, 0.1, 1.0, 3, 5, mode="triangular2"), 50), "top = true, slack = 30"),
    ("cyclic{ low = 0.2, up = 3, mode = \"exp_range\", gamma = 0.97 }", "CyclicLR",
     stepped(lambda o: L.CyclicLR(o, 0.2, 1.0, 3, mode="exp_range", gamma=0.97), 50), "top = true, slack = 30"),
    ("onecycle{ steps = 40 }", "OneCycleLR", stepped(lambda o: L.OneCycleLR(o, 1.0, 40), 40), "top = true"),
    ("onecycle{ steps = 37, pct_start = 0.25, div_factor = 10, final_div_factor = 100 }", "OneCycleLR",
     stepped(lambda o: L.OneCycleLR(o, 1.0, 37, pct_start=0.25, div_factor=10, final_div_factor=100), 37), "top = true"),
    ("onecycle{ steps = 50, anneal = \"linear\" }", "OneCycleLR", stepped(lambda o: L.OneCycleLR(o, 1.0, 50, anneal_strategy="linear"), 50), "top = true"),
    ("onecycle{ steps = 50, three_phase = true }", "OneCycleLR", stepped(lambda o: L.OneCycleLR(o, 1.0, 50, three_phase=True), 50), "top = true"),
    ("onecycle{ steps = 20, three_phase = true, pct_start = 0.4, anneal = \"linear\" }", "OneCycleLR",
     stepped(lambda o: L.OneCycleLR(o, 1.0, 20, pct_start=0.4, three_phase=True, anneal_strategy="linear"), 20), "top = true"),
    ("interpolated{ boundaries = { 10, 25 }, values = { 0.1, 1, 0.4 } }", "Optax piecewise_interpolate_schedule",
     function(lambda t: interpolate(t, [10, 25], [0.1, 1.0, 0.4], False), 40), "top = true"),
    ("interpolated{ boundaries = { 10, 25 }, values = { 0.1, 1, 0.4 }, method = \"cosine\" }", "Optax piecewise_interpolate_schedule",
     function(lambda t: interpolate(t, [10, 25], [0.1, 1.0, 0.4], True), 40), "top = true"),
    # LinearLR and ExponentialLR chain their products inside SequentialLR: one rounding more at each of 30 steps
    ("join{ { linear{ from = 0.25, to = 1, steps = 5 }, 5 }, exponential{ gamma = 0.9 } }", "SequentialLR",
     stepped(lambda o: L.SequentialLR(o, [L.LinearLR(o, 0.25, 1, 5), L.ExponentialLR(o, 0.9)], [5]), 30), "slack = 8"),
    ("exponential{ gamma = 0.9 } * piecewise{ boundaries = { 10 }, values = { 0.5, 1 } }", "ChainedScheduler",
     stepped(lambda o: L.ChainedScheduler([L.ConstantLR(o, 0.5, 10), L.ExponentialLR(o, 0.9)]), 30), "slack = 8"),
]

GOOD, FLAT = [1.0, 0.9, 0.8, 0.7], [0.7] * 14
SAW = [1.0, 0.5, 0.6, 0.49996, 0.6, 0.6, 0.6, 0.3, 0.31, 0.29, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.2, 0.2, 0.2, 0.2]
NOISE = [math.sin(1.7 * i) + 2 / (1 + i) for i in range(60)]
PLATEAUS = [
    ("{}", GOOD + FLAT, {}),
    ("{ factor = 0.5, patience = 2 }", SAW, dict(factor=0.5, patience=2)),
    ("{ factor = 0.5, patience = 2, threshold = 1e-3, threshold_mode = \"abs\" }", SAW, dict(factor=0.5, patience=2, threshold=1e-3, threshold_mode="abs")),
    ("{ factor = 0.5, patience = 0, cooldown = 2 }", SAW, dict(factor=0.5, patience=0, cooldown=2)),
    ("{ factor = 0.2, patience = 1, min = 0.05 }", FLAT, dict(factor=0.2, patience=1, min_lr=0.05)),
    ("{ factor = 0.7, patience = 1, mode = \"max\", cooldown = 1 }", NOISE, dict(factor=0.7, patience=1, mode="max", cooldown=1)),
    ("{ factor = 0.7, patience = 3, mode = \"max\", threshold_mode = \"abs\", threshold = 0.1 }", NOISE,
     dict(factor=0.7, patience=3, mode="max", threshold_mode="abs", threshold=0.1)),
    ("{ factor = 0.7, patience = 1 }", [float("nan"), 1.0, float("nan"), 0.5] + NOISE, dict(factor=0.7, patience=1)),
]


def numbers(values):
    return "{" + ", ".join("0/0" if math.isnan(v) else float(v).hex() for v in values) + "}"


print("-- Made by make_schedules.py with PyTorch %s; do not edit." % torch.__version__.split("a")[0])
print("return {\n  schedules = {")
for text, of, values, more in CASES:
    print("    { make = [[%s]], of = %r, %s\n      values = %s }," % (text, of, more and more + "," or "", numbers(values)))
print("  },\n  plateaus = {")
for text, reports, o in PLATEAUS:
    print("    { make = [[plateau%s]],\n      reports = %s,\n      values = %s }," % (text, numbers(reports), numbers(plateau(reports, **o))))
print("  },\n}")
