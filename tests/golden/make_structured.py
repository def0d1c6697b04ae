#!/usr/bin/env python3
"""Makes structured.lua: reductions, scans, ordering, indexing, gathering, matrices' parts and einsum, drawn at random.

A case is an expression in Lua (structured_spec.lua evaluates it), the shape of what it should give, the elements, and how far each may be off. Operands are
made by calls both sides understand: ints(seed, shape, low, high), reals(seed, shape), odd(seed, shape) (ties, zeros of both signs, infinities, NaN).
What only moves, adds or multiplies small whole numbers is exact. Results of more than 48
elements are left out, to keep the file small. Reductions of reals are computed in 80-bit floating point; their bound follows from the tree
of sums: k = ceil(min(n, 128) / 8) + 3 + ceil(log2(blocks of 128)) additions on an element's way, each off by half a unit of 2^-52 (2^-23) of the sum of
magnitudes. Run in the repository: /usr/bin/python3 tests/golden/make_structured.py > tests/golden/structured.lua
"""
import math
import random
import warnings
import numpy as np
import torch

warnings.filterwarnings("ignore")
np.seterr(all="ignore")
rng = random.Random(20)
MASK = 2**64 - 1
ODD = [math.nan, math.inf, -math.inf, -0.0, 0.0, 1.0, 1.0, 2.0, -3.0]


def units(seed, n):
    out = []
    for _ in range(n):
        seed = (seed * 6364136223846793005 + 1442695040888963407) & MASK
        out.append((seed >> 11) * 2.0**-53)
    return np.array(out)


def lua_list(v):
    return "{" + ", ".join(lua_list(w) if isinstance(w, list) else str(w).lower() if isinstance(w, bool) else str(w) for w in v) + "}"


class Made:
    """An operand: how Lua makes it, and its value."""

    def __init__(self, kind, shape, low=-4, high=4, dtype="f64"):
        seed, n = rng.randrange(1, 10**6), math.prod(shape)
        u = units(seed, n)
        if kind == "ints":
            self.value = np.floor(low + (high - low + 1) * u)
            self.lua = "ints(%d, %s, %d, %d)" % (seed, lua_list(list(shape)), low, high)
        elif kind == "reals":
            self.value = -4 + 8 * u
            self.lua = "reals(%d, %s)" % (seed, lua_list(list(shape)))
        else:
            self.value = np.array([ODD[int(len(ODD) * w)] for w in u])
            self.lua = "odd(%d, %s)" % (seed, lua_list(list(shape)))
        self.value = self.value.reshape(shape)
        if dtype == "f32":
            self.value = self.value.astype(np.float32)
            self.lua += ':to("f32")'


def shape_of(least, most, sizes=(1, 2, 3, 4, 5)):
    return tuple(rng.choice(sizes) for _ in range(rng.randint(least, most)))


def number(v):
    v = float(v)
    if math.isnan(v):
        return "n"
    if math.isinf(v):
        return "i" if v > 0 else "-i"
    if v == int(v) and abs(v) < 1e15:
        return str(int(v))
    mantissa, exponent = v.hex().split("p")
    return mantissa.rstrip("0").rstrip(".") + "p" + exponent.lstrip("+")


def emit(lua, value, bound=None):
    value = np.asarray(value)
    if value.size > 48:
        return
    flat = " ".join(number(v) for v in value.reshape(-1))
    far = "" if bound is None else ', "%s"' % " ".join("%.2g" % (b * 1.01) for b in np.asarray(bound, dtype=float).reshape(-1))
    print("{ '%s', %s, \"%s\"%s }," % (lua, lua_list(list(value.shape)), flat, far))


def axis_text(axis, ndim):
    return str(axis + 1 if rng.random() < .6 else axis - ndim)


# Reductions.

def way(n):
    return math.ceil(min(n, 128) / 8) + 3 + math.ceil(math.log2(max(1, math.ceil(n / 128))))


def reductions(count):
    for _ in range(count):
        name = rng.choice("sum mean prod max min var std logsumexp norm norm1 norm3 norminf argmax argmin all any".split())
        dtype = rng.choice(["f64", "f64", "f32"])
        big = rng.random() < .25
        shape = (rng.choice([1, 2]), rng.choice([127, 128, 129, 200, 257, 385])) if big else shape_of(1, 4)
        kind = "ints" if name in ("argmax", "argmin", "all", "any", "max", "min") else "reals"
        if kind == "reals" and big and name == "prod":
            shape = (2, 20)
        x = Made(kind, shape, -2, 2, dtype)
        ndim = len(shape)
        axes = tuple(sorted(rng.sample(range(ndim), 1 if name.startswith("arg") else rng.randint(1, ndim))))
        keep = rng.random() < .3
        places = axis_text(axes[0], ndim) if len(axes) == 1 else "{" + ", ".join(axis_text(a, ndim) for a in axes) + "}"
        options = ["keepdim = true"] if keep else []
        v, n, eps = x.value.astype(np.longdouble), math.prod(shape[a] for a in axes), 2.0**-53 if dtype == "f64" else 2.0**-24
        k, kw = way(n), dict(axis=axes, keepdims=keep)
        size = np.abs(v).sum(**kw)
        bound = None
        if name == "sum":
            y, bound = v.sum(**kw), k * eps * size
        elif name == "mean":
            y, bound = v.sum(**kw) / n, (k + 1) * eps * size / n
        elif name == "prod":
            y = v.prod(**kw)
            bound = n * eps * np.abs(y)
        elif name in ("max", "min"):
            y = getattr(v, name)(**kw)
        elif name in ("var", "std"):
            c = rng.choice([0, 1])
            if n - c <= 0:
                c = 0
            options += ["correction = 0"] if c == 0 else []
            off = v - v.sum(axis=axes, keepdims=True) / n
            y = (off * off).sum(**kw) / (n - c)
            bound = (k + 4) * eps * y + 2 * (k + 2) * eps * size / n * np.abs(off).sum(**kw) / (n - c)
            bound = bound + (((k + 2) * eps * size / n) ** 2) * n / (n - c)
            if name == "std":
                y, bound = np.sqrt(y), np.where(y > 0, bound / np.sqrt(np.where(y > 0, y, 1)) + eps * np.sqrt(y), np.sqrt(bound))
        elif name == "logsumexp":
            top = v.max(axis=axes, keepdims=True)
            y = np.log(np.exp(v - top).sum(axis=axes, keepdims=True)) + top
            y = y if keep else y.squeeze(axis=axes)
            bound = (k + 4 + 8) * eps + 3 * eps * np.abs(y) + 2 * eps * math.log(n + 1)
        elif name.startswith("norm"):
            p = {"norm": 2, "norm1": 1, "norm3": 3, "norminf": math.inf}[name]
            if p == math.inf:
                y = np.abs(v).max(**kw)
            else:
                y = (np.abs(v) ** p).sum(**kw) ** (np.longdouble(1) / p)
                bound = (k + 10) * eps * y
            options += [] if p == 2 else ["p = math.huge"] if p == math.inf else ["p = %d" % p]
            name = "norm"
        elif name.startswith("arg"):
            y = getattr(np, name)(x.value, axis=axes[0]) + 1
            y = np.expand_dims(y, axes[0]) if keep else y
        else:
            y = getattr(np, name)(x.value != 0, **kw)
        emit("%s:%s(%s%s)" % (x.lua, name, places, ", { %s }" % ", ".join(options) if options else ""), np.asarray(y, dtype=float), bound)


# Order and scans.

def ordering(count):
    for _ in range(count):
        shape = shape_of(1, 3, (1, 2, 3, 5, 8, 40))
        x = Made(rng.choice(["ints", "odd"]), shape, dtype=rng.choice(["f64", "f32"]))
        axis = rng.randrange(len(shape))
        t = torch.tensor(x.value)
        place = axis_text(axis, len(shape))
        down = rng.random() < .4
        values, index = torch.sort(t, dim=axis, descending=down, stable=True)
        how = rng.randrange(4)
        option = ", { descending = true }" if down else ""
        if how == 0:
            emit("first(%s:sort(%s%s))" % (x.lua, place, option), values.numpy())
        elif how == 1:
            emit("second(%s:sort(%s%s))" % (x.lua, place, option), index.numpy() + 1)
        elif how == 2:
            emit("%s:argsort(%s%s)" % (x.lua, place, option), index.numpy() + 1)
        else:
            k = rng.randint(0, shape[axis])
            option = "" if down else ", { largest = false }"
            part = [index, values][rng.randrange(2)]
            which = "second" if part is index else "first"
            part = part.narrow(axis, 0, k).numpy() + (1 if part is index else 0)
            emit("%s(%s:topk(%d, %s%s))" % (which, x.lua, k, place, option), part)


def scans(count):
    for _ in range(count):
        shape = shape_of(1, 3, (1, 2, 3, 5, 9, 12))
        name = rng.choice(["cumsum", "cumprod"])
        x = Made("ints", shape, -3 if name == "cumsum" else -2, 3 if name == "cumsum" else 2)
        axis = rng.randrange(len(shape))
        emit("%s:%s(%s)" % (x.lua, name, axis_text(axis, len(shape))), getattr(np, name)(x.value, axis=axis))


# Indices.

def index_text(v):
    return "i64" + lua_list(v.tolist()) if v.ndim else "i64(%d)" % v


def indices(n, shape):
    return np.array([rng.choice([1, -1]) * rng.randint(1, n) for _ in range(math.prod(shape))], dtype=int).reshape(shape)


def zero_based(v, n):
    return np.where(v < 0, v + n, v - 1)


def indexing(count):
    for _ in range(count):
        shape = shape_of(1, 4)
        x = Made("ints", shape, 0, 99)
        entries, axis, out = [], 0, x.value
        later = []
        at = 0
        while axis < len(shape) and rng.random() < .85:
            n, kind = shape[axis], rng.choice(["number", "range", "step", "all", "index", "mask"])
            if kind == "number":
                i = rng.choice([1, -1]) * rng.randint(1, n)
                entries.append(str(i))
                later.append((at, 1, int(zero_based(np.array(i), n))))
            elif kind == "range":
                a = rng.randint(1, n)
                b = rng.randint(a - 1, n)
                entries.append("{ %d, %d }" % (a if rng.random() < .5 else a - n - 1, b if rng.random() < .5 or b == 0 else b - n - 1))
                later.append((at, 1, np.arange(a - 1, b)))
            elif kind == "step":
                step = rng.choice([-3, -2, -1, 2, 3])
                a = rng.randint(1, n)
                b = rng.randint(a, n) if step > 0 else rng.randint(1, a)
                entries.append("{ %d, %d, %d }" % (a, b, step))
                later.append((at, 1, np.array(list(range(a, b + (1 if step > 0 else -1), step)), dtype=int) - 1))
            elif kind == "all":
                entries.append("{}")
                later.append((at, 1, np.arange(n)))
            elif kind == "index":
                i = indices(n, shape_of(0, 2, (1, 2, 3)))
                entries.append(index_text(i))
                later.append((at, 1, zero_based(i, n)))
            else:
                m = rng.randint(1, min(2, len(shape) - axis))
                mask = np.array([rng.random() < .5 for _ in range(math.prod(shape[axis:axis + m]))]).reshape(shape[axis:axis + m])
                entries.append("mask" + lua_list(mask.tolist()))
                later.append((at, m, np.flatnonzero(mask)))
                axis += m - 1
                at += m - 1
            axis += 1
            at += 1
        for place, m, i in reversed(later):
            s = out.shape
            out = np.take(out.reshape(s[:place] + (math.prod(s[place:place + m]),) + s[place + m:]), i, axis=place)
        text = ", ".join(entries)
        emit("%s[%s]" % (x.lua, text if len(entries) == 1 and not text.startswith("{") else "{ %s }" % text), out)


def gathering(count):
    for _ in range(count):
        shape = shape_of(1, 3, (1, 2, 3, 4))
        axis = rng.randrange(len(shape))
        x = Made("ints", shape, -9, 9)
        own = tuple(rng.randint(0, 5) if i == axis else rng.randint(1, n) for i, n in enumerate(shape))
        if math.prod(own) == 0:
            continue
        index = indices(shape[axis], own)
        i = torch.tensor(zero_based(index, shape[axis]))
        place = axis_text(axis, len(shape))
        if rng.random() < .5:
            emit("%s:gather(%s, %s)" % (x.lua, place, index_text(index)), torch.gather(torch.tensor(x.value), axis, i).numpy())
        else:
            source = Made("ints", own, -9, 9)
            y = torch.tensor(x.value).scatter_add(axis, i, torch.tensor(source.value))
            emit("%s:scatter_add(%s, %s, %s)" % (x.lua, place, index_text(index), source.lua), y.numpy())


def parts(count):
    for _ in range(count):
        x = Made("ints", shape_of(2, 4), 1, 9)
        v, k, how = x.value, rng.randint(-5, 5), rng.randrange(7)
        if how == 0:
            emit("%s:tril(%d)" % (x.lua, k), np.tril(v, k))
        elif how == 1:
            emit("%s:triu(%d)" % (x.lua, k), np.triu(v, k))
        elif how == 2 and v.ndim == 2:
            emit("%s:diag(%d)" % (x.lua, k), np.diag(v, k))
        elif how == 3:
            flat = Made("ints", (rng.randint(0, 4),), 1, 9)
            emit("%s:diag(%d)" % (flat.lua, k), np.diag(flat.value, k))
        elif how == 4:
            axes = rng.sample(range(v.ndim), rng.randint(1, v.ndim))
            emit("%s:flip({%s})" % (x.lua, ", ".join(axis_text(a, v.ndim) for a in axes)), np.flip(v, axes))
        elif how == 5:
            axis, size = rng.randrange(v.ndim), rng.randint(1, 3)
            pieces = np.split(v, range(size, v.shape[axis], size), axis)
            j = rng.randrange(len(pieces))
            emit("%s:split(%d, %s)[%d]" % (x.lua, size, axis_text(axis, v.ndim), j + 1), pieces[j])
        else:
            index = np.array([rng.randint(1, 4) for _ in range(rng.randint(1, 4))])
            emit("%s:one_hot(4)" % index_text(index), np.eye(4)[index - 1])


# einsum.

def einsum(count):
    made = 0
    while made < count:
        letters = rng.sample("abcdefgxyzABC", rng.randint(1, 6))
        sizes = {c: rng.choice([1, 2, 3, 4]) for c in letters}
        dots = [rng.choice([2, 3]) for _ in range(rng.randint(1, 2))] if rng.random() < .3 else None
        terms, operands = [], []
        for _ in range(rng.choice([1, 2, 2, 2, 3, 3, 4, 5])):
            term = [rng.choice(letters) for _ in range(rng.randint(0, 4))]
            if rng.random() < .7:
                term = list(dict.fromkeys(term))
            shape = [sizes[c] for c in term]
            if dots and rng.random() < .7:
                place, e = rng.randint(0, len(term)), rng.randint(0, len(dots))
                shape[place:place] = [n if rng.random() < .7 else 1 for n in dots[len(dots) - e:]]
                term.insert(place, "...")
            terms.append("".join(term))
            operands.append(Made("ints", tuple(shape), -2, 2))
        spec = ",".join(terms)
        used = sorted(set("".join(terms).replace(".", "")))
        if rng.random() < .8:
            out = rng.sample(used, rng.randint(0, min(len(used), 4)))
            if "..." in spec:
                out.insert(rng.randint(0, len(out)), "...")
            spec += "->" + "".join(out)
        try:
            y = np.einsum(spec, *[o.value for o in operands], optimize=False)
        except ValueError:
            continue
        if y.size > 48:
            continue
        made += 1
        emit('tw.einsum("%s", %s)' % (spec, ", ".join(o.lua for o in operands)), y)


if __name__ == "__main__":
    print("-- Made by make_structured.py with NumPy %s, PyTorch %s; do not edit." % (np.__version__, torch.__version__))
    print("return {")
    reductions(800)
    ordering(500)
    scans(200)
    indexing(900)
    gathering(250)
    parts(300)
    einsum(800)
    print("}")
