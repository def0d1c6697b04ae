#!/usr/bin/python3
"""Writes tests/golden/random.lua: the first elements of every distribution, from an implementation of the streams in plain Python that shares no code with
the engine: Philox4x32-10 by its paper, the key by hashlib, the laws by math. Whole numbers must agree exactly, real ones within a few units in the last place.
    /usr/bin/python3 tests/golden/make_random.py > tests/golden/random.lua"""
import hashlib
import math
import struct

SEED, STREAM, N = 42, "golden", 20
MASK = 0xFFFFFFFF


def philox(counter, key):
    """Salmon et al. 2011: ten rounds on four 32-bit words."""
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & MASK, (p0 >> 32) ^ c[3] ^ k[1], p0 & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


assert philox([0] * 4, [0] * 2) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]  # Random123's known answers
assert philox([MASK] * 4, [MASK] * 2) == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]
KEY = int.from_bytes(hashlib.sha256(struct.pack("<q", SEED) + STREAM.encode()).digest()[:8], "big")


def words(position, attempt=0):
    c = philox([position & MASK, position >> 32, attempt, 0], [KEY & MASK, KEY >> 32])
    return c[1] << 32 | c[0], c[3] << 32 | c[2]


def units(position, attempt=0):
    return [(w >> 11) * 2.0**-53 for w in words(position, attempt)]


def below(position, n):
    attempt = 0
    while True:
        product = words(position, attempt)[0] * n
        if product & (2**64 - 1) >= 2**64 % n:
            return product >> 64
        attempt += 1


def cospi(x):
    k = round(2 * x)
    r = math.pi * (x - k / 2)
    return (math.cos(r), -math.sin(r), -math.cos(r), math.sin(r))[k % 4]


def gauss(u, v):
    return math.sqrt(-2 * math.log(1 - u)) * cospi(2 * v)


def normal(mean=0.0, std=1.0):
    return [mean + std * gauss(*units(i)) for i in range(N)]


def uniform(low=0.0, high=1.0):
    return [low + (high - low) * units(i)[0] for i in range(N)]


def exponential(rate=1.0):
    return [-math.log(1 - units(i)[0]) / rate for i in range(N)]


def truncated(mean=0.0, std=1.0, low=-2.0, high=2.0):
    a, b = (low - mean) / std, (high - mean) / std
    sign = 1
    if b < 0:
        a, b, sign = -b, -a, -1
    rate = (a + math.hypot(a, 2)) / 2 if a > 0 else 0
    if a <= 0:
        by = "normal" if b - a > math.sqrt(2 * math.pi) else "uniform"
    else:
        by = "tail" if b > a + math.exp(0.5 - a / (2 * rate)) / rate else "uniform"
    out = []
    for i in range(N):
        attempt = 0
        while True:
            u, v = units(i, attempt)
            attempt += 1
            if by == "normal":
                x = gauss(u, v)
                if a <= x <= b:
                    break
            elif by == "uniform":
                x, top = a + (b - a) * u, max(a, 0)
                if v < math.exp(-0.5 * (x * x - top * top)):
                    break
            else:
                x = a - math.log(1 - u) / rate
                if v < math.exp(-0.5 * (x - rate) ** 2) and x <= b:
                    break
        out.append(min(max(mean + std * sign * x, low), high))
    return out


def bernoulli(p):
    return [float(units(i)[0] < (p[i % len(p)] if isinstance(p, list) else p)) for i in range(N)]


def randint(low, high):
    return [low + below(i, high - low + 1) for i in range(N)]


def permutation(n, count=None):
    p = list(range(1, n + 1))
    for i in range(min(n - 1, count or n)):
        j = i + below(i, n - i)
        p[i], p[j] = p[j], p[i]
    return p[: count or n]


def pick(u, weights):
    """The place u times the sum falls on, going down a tree of pairwise sums."""
    size = 1
    while size < len(weights):
        size *= 2
    levels = [weights + [0.0] * (size - len(weights))]
    while len(levels[-1]) > 1:
        row = levels[-1]
        levels.append([row[k] + row[k + 1] for k in range(0, len(row), 2)])
    u, at = u * levels[-1][0], 0
    for row in reversed(levels[:-1]):
        at *= 2
        if not (u < row[at] or row[at + 1] == 0):
            u, at = u - row[at], at + 1
    return at


def weighted(weights, count, replace):
    w, out = list(weights), []
    for i in range(count):
        k = pick(units(i)[0], w)
        out.append(k + 1)
        if not replace:
            w[k] = 0.0
    return out


def multinomial(trials, weights, rows):
    out = []
    for i in range(rows):
        counts = [0] * len(weights)
        for t in range(trials):
            counts[pick(units(i, t // 2)[t % 2], weights)] += 1
        out += counts
    return out


W = [0.5, 0.0, 2.0, 1.25, 3.0]
W30 = [float(1 + k * k % 7) for k in range(30)]
P = [0.0, 0.25, 0.5, 0.75, 1.0]
inf = math.inf
CASES = [  # what Lua calls on a generator r, and the values in row-major order
    ("r:normal(20)", normal()),
    ("r:normal(20, { mean = 2, std = 3 })", normal(2.0, 3.0)),
    ("r:uniform(20)", uniform()),
    ("r:uniform(20, { low = -1, high = 2 })", uniform(-1.0, 2.0)),
    ("r:exponential(20)", exponential()),
    ("r:exponential(20, { rate = 2.5 })", exponential(2.5)),
    ("r:truncated_normal(20)", truncated()),
    ("r:truncated_normal(20, { mean = 1, std = .5, low = 1, high = 1.5 })", truncated(1.0, 0.5, 1.0, 1.5)),
    ("r:truncated_normal(20, { low = 3, high = 1 / 0 })", truncated(low=3.0, high=inf)),
    ("r:truncated_normal(20, { low = 3, high = 3.25 })", truncated(low=3.0, high=3.25)),
    ("r:truncated_normal(20, { mean = 1, std = 2, low = -1 / 0, high = -4 })", truncated(1.0, 2.0, -inf, -4.0)),
    ("r:bernoulli(20, { p = .3 })", bernoulli(0.3)),
    ("r:bernoulli(4, 5, { p = tw.tensor { 0, .25, .5, .75, 1 } })", bernoulli(P)),
    ("r:randint(1, 6, 20)", randint(1, 6)),
    ("r:randint(-2^53 | 0, 2^53 | 0, 20)", randint(-(2**53), 2**53)),
    ("r:permutation(20)", permutation(20)),
    ("r:choice(10, 20)", [1 + below(i, 10) for i in range(N)]),
    ("r:choice(1000, 20, { replace = false })", permutation(1000, 20)),
    ("r:choice(5, 20, { weights = tw.tensor { .5, 0, 2, 1.25, 3 } })", weighted(W, 20, True)),
    ("r:choice(30, 20, { replace = false, weights = (tw.arange(0, 29) ^ 2 - tw.floor(tw.arange(0, 29) ^ 2 / 7) * 7) + 1 })", weighted(W30, 20, False)),
    ("r:multinomial(51, tw.tensor { .5, 0, 2, 1.25, 3 }, 4)", multinomial(51, W, 4)),
]

print("-- Written by tests/golden/make_random.py: the first elements of rng(%d, \"%s\"), in row-major order." % (SEED, STREAM))
print("return {")
for call, values in CASES:
    texts = [v.hex() if isinstance(v, float) else str(v) for v in values]
    lines = ["    " + ", ".join(texts[k : k + 5]) + "," for k in range(0, len(texts), 5)]
    print('  { "%s", {\n%s\n  } },' % (call, "\n".join(lines)))
print("}")
