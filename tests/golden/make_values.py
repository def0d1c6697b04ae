#!/usr/bin/env python3
"""Makes values.lua: what every elementwise row should give, from mpmath (correctly rounded) for finite arguments and from NumPy, SciPy and PyTorch where an
argument is infinite, NaN or zero or the result has no finite value.

The arguments are not stored: both sides draw them from one 64-bit congruential generator, after a list of edges (values_spec.lua has the other copy). For each
function the file has the range of the drawn arguments, the allowed error in units in the last place (of the larger of the result and, where the formula adds
large terms, the argument) and the results. Run in the repository: /usr/bin/python3 tests/golden/make_values.py > tests/golden/values.lua
"""
import math
import struct
import warnings
import mpmath as mp
import numpy as np
import scipy.special as sp
import torch

warnings.filterwarnings("ignore")
np.seterr(all="ignore")
mp.mp.prec = 2200  # sines of arguments near 1e300

N = 48
EDGES = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, -1e-310, 1e-300, -1e-300, 1e-20, -1e-20, 1e-8, -1e-8, 0.5, -0.5, 1.0, -1.0, 1.5, -1.5, 2.5, -2.5,
         3.0, -3.0, 20.0, -20.0, 37.0, -37.0, 88.7, -88.7, 104.0, -104.0, 709.7, -709.7, 745.1, -745.1, 1000.0, -1000.0, 1e10, -1e10, 1e17,
         1e150, 1e300, -1e300]
PAIRS = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1e-300, 1e-8, 0.5, -0.5, 1.0, -1.0, 2.0, -3.0, 800.0, -1e10, 1e200, -1e300]


def drawn(seed, low, high, n):
    out = []
    for _ in range(n):
        seed = (seed * 6364136223846793005 + 1442695040888963407) & (2**64 - 1)
        out.append(low + (high - low) * ((seed >> 11) * 2.0**-53))
    return out


def t1(f):
    return lambda x: f(torch.tensor([x]))[0].item()


def t2(f):
    return lambda a, b: f(torch.tensor([a]), torch.tensor([b]))[0].item()


def relu(x):
    return x if x > 0 else mp.mpf(0)


F = torch.nn.functional
one = mp.mpf(1)
# name: (exact, at the edges, low, high, ulps, whether the argument's size counts)
UNARY = {
    "neg": (lambda x: -x, np.negative, -9, 9, 0, 0), "abs": (abs, np.abs, -9, 9, 0, 0), "sign": (mp.sign, np.sign, -9, 9, 0, 0),
    "square": (lambda x: x * x, np.square, -9, 9, .5, 0), "reciprocal": (lambda x: 1 / x, np.reciprocal, -9, 9, .5, 0),
    "sqrt": (mp.sqrt, np.sqrt, 0, 9, .5, 0), "rsqrt": (lambda x: 1 / mp.sqrt(x), t1(torch.rsqrt), 0, 9, 1, 0),
    "exp": (mp.exp, np.exp, -20, 20, 1, 0), "expm1": (mp.expm1, np.expm1, -2, 2, 1, 0), "exp2": (lambda x: mp.power(2, x), np.exp2, -20, 20, 1, 0),
    "log": (mp.log, np.log, 0, 4, 1, 0), "log1p": (mp.log1p, np.log1p, -1, 3, 1, 0), "log2": (lambda x: mp.log(x, 2), np.log2, 0, 4, 1, 0),
    "log10": (mp.log10, np.log10, 0, 4, 1, 0), "cbrt": (lambda x: mp.sign(x) * mp.cbrt(abs(x)), np.cbrt, -9, 9, 1, 0),
    "sin": (mp.sin, np.sin, -30, 30, 1, 0), "cos": (mp.cos, np.cos, -30, 30, 1, 0), "tan": (mp.tan, np.tan, -30, 30, 1, 0),
    "asin": (mp.asin, np.arcsin, -1, 1, 1, 0), "acos": (mp.acos, np.arccos, -1, 1, 1, 0), "atan": (mp.atan, np.arctan, -9, 9, 1, 0),
    "sinh": (mp.sinh, np.sinh, -9, 9, 1, 0), "cosh": (mp.cosh, np.cosh, -9, 9, 1, 0), "tanh": (mp.tanh, np.tanh, -4, 4, 1, 0),
    "asinh": (mp.asinh, np.arcsinh, -9, 9, 1.6, 0), "acosh": (mp.acosh, np.arccosh, 1, 9, 1.6, 0), "atanh": (mp.atanh, np.arctanh, -1, 1, 1, 0),
    "erf": (mp.erf, t1(torch.erf), -3, 3, 1, 0), "erfc": (mp.erfc, t1(torch.erfc), -3, 8, 1.5, 0),
    "sigmoid": (lambda x: one / (1 + mp.exp(-x)), sp.expit, -30, 30, 2, 0),
    "log_sigmoid": (lambda x: -mp.log1p(mp.exp(-x)), t1(F.logsigmoid), -30, 30, 2, 0),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), lambda x: np.logaddexp(type(x)(0), x), -30, 30, 2, 0),
    "relu": (relu, lambda x: np.maximum(x, 0), -9, 9, 0, 0), "silu": (lambda x: x / (1 + mp.exp(-x)), t1(F.silu), -30, 30, 2.5, 0),
    "gelu": (lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2, t1(F.gelu), -9, 9, 2, 1), "floor": (mp.floor, np.floor, -9, 9, 0, 0),
    "ceil": (mp.ceil, np.ceil, -9, 9, 0, 0), "round": (None, np.rint, -9, 9, 0, 0), "trunc": (None, np.trunc, -9, 9, 0, 0),
    "hardtanh": (lambda x: max(min(x, one), -one), t1(F.hardtanh), -3, 3, 0, 0),
    "hardsigmoid": (lambda x: max(min(x / 6 + one / 2, one), 0 * x), t1(F.hardsigmoid), -5, 5, 1.5, 0),
    "selu": (lambda x: mp.mpf("1.0507009873554804934193349852946") * (x if x > 0 else mp.mpf("1.6732632423543772848170429916717") * mp.expm1(x)),
             t1(F.selu), -5, 5, 2.5, 0),
    "mish": (lambda x: x * mp.tanh(mp.log1p(mp.exp(x))), t1(F.mish), -20, 20, 4, 0),
}


def exact_pow(a, b):
    if a < 0 and b != mp.floor(b):
        return None
    return mp.power(a, b)


def exact_remainder(a, b):
    return a - mp.floor(a / b) * b


BINARY = {
    "add": (lambda a, b: a + b, np.add, -9, 9, .5, 0), "sub": (lambda a, b: a - b, np.subtract, -9, 9, .5, 0),
    "mul": (lambda a, b: a * b, np.multiply, -9, 9, .5, 0), "div": (lambda a, b: a / b, np.divide, -9, 9, .5, 0),
    "pow": (exact_pow, np.power, 0, 9, 1, 0), "maximum": (max, np.maximum, -9, 9, 0, 0), "minimum": (min, np.minimum, -9, 9, 0, 0),
    "atan2": (mp.atan2, np.arctan2, -9, 9, 1, 0), "hypot": (mp.hypot, np.hypot, -9, 9, 1, 0),
    "leaky_relu": (lambda a, b: a if a > 0 else a * b, lambda a, b: a if a > 0 else a * b, -2, 2, .5, 0),
    "elu": (lambda a, b: a if a > 0 else b * mp.expm1(a), lambda a, b: a if a > 0 else b * np.expm1(a), -2, 2, 2, 0),
    "logaddexp": (lambda a, b: max(a, b) + mp.log1p(mp.exp(-abs(a - b))), np.logaddexp, -9, 9, 2, 1),
    "xlogy": (lambda a, b: a * mp.log(b) if b > 0 else None, sp.xlogy, 0, 9, 2, 0), "copysign": (None, np.copysign, -9, 9, 0, 0),
    "fmod": (None, np.fmod, -9, 9, 0, 0), "remainder": (None, np.remainder, -9, 9, .5, 0),
    "floor_divide": (None, lambda a, b: np.floor(a / b), -9, 9, 0, 0), "clamp_min": (max, np.maximum, -9, 9, 0, 0), "clamp_max": (min, np.minimum, -9, 9, 0, 0),
    "lt": (None, np.less, -9, 9, 0, 0), "le": (None, np.less_equal, -9, 9, 0, 0), "gt": (None, np.greater, -9, 9, 0, 0),
    "ge": (None, np.greater_equal, -9, 9, 0, 0), "eq": (None, np.equal, -9, 9, 0, 0), "ne": (None, np.not_equal, -9, 9, 0, 0),
    "logical_and": (None, np.logical_and, -9, 9, 0, 0), "logical_or": (None, np.logical_or, -9, 9, 0, 0), "logical_xor": (None, np.logical_xor, -9, 9, 0, 0),
}
UNARY.update({"isnan": (None, np.isnan, -9, 9, 0, 0), "isinf": (None, np.isinf, -9, 9, 0, 0), "isfinite": (None, np.isfinite, -9, 9, 0, 0),
              "logical_not": (None, np.logical_not, -9, 9, 0, 0)})


def rounded(v, dtype):
    """An mpf to the nearest number of the dtype, ties to even, subnormals and overflow included."""
    bits, least, top = (53, -1074, 1024) if dtype is np.float64 else (24, -149, 128)
    if v == 0:
        return 0.0
    exponent = max(int(mp.floor(mp.log(abs(v), 2))) - bits + 1, least)
    whole = v * mp.mpf(2) ** -exponent
    n = int(mp.nint(whole))
    out = mp.mpf(n) * mp.mpf(2) ** exponent
    sign = float(mp.sign(v))
    return math.copysign(math.inf, sign) if abs(out) >= mp.mpf(2) ** top else math.copysign(float(abs(out)), sign)


def value(exact, edge, args, dtype):
    if exact and all(math.isfinite(a) and a != 0 for a in args):
        try:
            v = exact(*[mp.mpf(a) for a in args])
            if v is not None and mp.isnan(v) == False and not isinstance(v, mp.mpc) and mp.isfinite(v) and v != 0:
                return rounded(v, dtype)
        except (ValueError, ZeroDivisionError, OverflowError):
            pass
    torch.set_default_dtype(torch.float64 if dtype is np.float64 else torch.float32)
    return float(edge(*[dtype(a) for a in args]))


def text(v):
    if math.isnan(v):
        return "n"
    if math.isinf(v):
        return "i" if v > 0 else "-i"
    if v == 0:
        return "-0" if math.copysign(1, v) < 0 else "0"
    if v == int(v) and abs(v) < 1e6:
        return str(int(v))
    mantissa, exponent = v.hex().split("p")
    return mantissa.rstrip("0").rstrip(".") + "p" + exponent.lstrip("+")


def narrow(x, dtype):
    return float(dtype(x))


def lines(table, n_in):
    for k, (name, (exact, edge, low, high, ulps, size)) in enumerate(sorted(table.items())):
        for dtype in (np.float64, np.float32):
            if n_in == 1:
                args = [(x,) for x in EDGES + drawn(k + 1, low, high, N)]
            else:
                more = drawn(k + 1, low, high, 2 * N)
                args = [(a, b) for a in PAIRS for b in PAIRS] + [(more[2 * i], more[2 * i + 1]) for i in range(N)]
            out = [text(value(exact, edge, tuple(narrow(a, dtype) for a in pair), dtype)) for pair in args]
            short = "f64" if dtype is np.float64 else "f32"
            print('{ "%s", %d, "%s", %d, %g, %g, %g, %d,' % (name, n_in, short, k + 1, low, high, ulps, size))
            print(' "' + " ".join(out) + '" },')


if __name__ == "__main__":
    print("-- Made by make_values.py with mpmath %s, NumPy %s, PyTorch %s; do not edit." % (mp.__version__, np.__version__, torch.__version__))
    print("return {")
    lines(UNARY, 1)
    lines(BINARY, 2)
    print("}")
