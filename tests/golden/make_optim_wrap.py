#!/usr/bin/env python3
"""Makes optim_wrap.lua: optimizers that need more than an elementwise rule, written down here from their papers in NumPy and f64, without a look at
the engine's code, to hold the engine against.

Problem: parameters b [3] and w [3 4]; element k of (b, w) has the gradient c_k p_k + s_k(t), t = 1, 2, ...: a noisy quadratic, by formula. Methods that
evaluate a function see .5 c p^2 + s(t) p summed; finite sums have 7 terms of that form and take term 3 t mod 7 + 1 in step t.
Each configuration runs 1000 steps, twice, the second time from parameters moved by one ulp; `spread` is the largest difference this makes.
Before the steps 1, 2, 3, 10, 100, 999 and 1000 the whole state is written down, so that single steps can be compared.
Run in the repository: /usr/bin/python3 tests/golden/make_optim_wrap.py > tests/golden/optim_wrap.lua
"""
import copy
import numpy as np

NAMES = {"b": (3,), "w": (3, 4)}
FIRST = {"b": 0, "w": 3}
STEPS = 1000
MARKS = [1, 2, 3, 10, 100, 999, 1000]
TERMS = 7


def index(name):
    return FIRST[name] + np.arange(int(np.prod(NAMES[name]))).reshape(NAMES[name])


def start():
    return {n: ((index(n) * 7919 + 131) % 1000) / 1000 - 0.5 for n in NAMES}


def curvature(name, term=0):
    return 1 + ((index(name) + 3 * term) * 37 % 10) / 10


def slope(name, t):
    return ((index(name) * 7919 + t * 10473) % 1000) / 1000 - 0.5


class Noisy:
    """The function of step t."""

    def __init__(self, t):
        self.t = t

    def grad(self, p):
        return {n: curvature(n) * p[n] + slope(n, self.t) for n in p}

    def value(self, p):
        return sum(np.sum(0.5 * curvature(n) * p[n] ** 2 + slope(n, self.t) * p[n]) for n in p)


class Sum:
    """A finite sum, at the terms of step t."""

    def __init__(self, t):
        self.i = 3 * t % TERMS + 1

    def grad(self, p, i=None):
        i = i or self.i
        return {n: curvature(n, i) * p[n] + slope(n, i) for n in p}

    def whole(self, p):
        gs = [self.grad(p, i) for i in range(1, TERMS + 1)]
        return {n: sum(g[n] for g in gs) / TERMS for n in p}


def norm(x):
    return float(np.sqrt(np.sum(x * x)))


def all_norm(tree):
    return float(np.sqrt(sum(np.sum(x * x) for x in tree.values())))


class Optimizer:
    """slots[name][slot], numbers (of the group, where grouped), vectors as the engine's opt:state() names them; step(p, f) changes p."""

    kind = None
    grouped = False

    def __init__(self, p, **o):
        self.o, self.t, self.slots, self.numbers, self.vectors, self.base = o, 0, {n: {} for n in p}, {}, {}, None
        self.setup(p)

    def setup(self, p):
        pass

    def slot(self, n, p, name):
        return self.slots[n].setdefault(name, np.zeros_like(p[n]))

    def step(self, p, f):
        self.t += 1
        self.move(p, f)


class Sgd(Optimizer):
    kind = "sgd"

    def move(self, p, f):
        g = f.grad(p)
        for n in p:
            v = self.slot(n, p, "velocity")
            v[...] = self.o.get("momentum", 0) * v + g[n]
            p[n] = p[n] - self.o["lr"] * v


class Adam(Optimizer):
    kind = "adam"

    def move(self, p, f):
        g, b1, b2 = f.grad(p), 0.9, 0.999
        for n in p:
            m, v = self.slot(n, p, "m"), self.slot(n, p, "v")
            m[...] = b1 * m + (1 - b1) * g[n]
            v[...] = b2 * v + (1 - b2) * (g[n] * g[n])
            p[n] = p[n] - self.o["lr"] * (m / (1 - b1**self.t)) / (np.sqrt(v / (1 - b2**self.t)) + 1e-8)


class Lars(Optimizer):
    """You, Gitman and Ginsburg 2017, algorithm 1; together: the norm of gradient and decay in one."""

    kind = "lars"

    def move(self, p, f):
        o, g = self.o, f.grad(p)
        wd, mom, lr, eta = o.get("weight_decay", 0), o.get("momentum", 0.9), o.get("lr", 1.0), o.get("trust_coefficient", 1e-3)
        for n in p:
            u = g[n] + wd * p[n]
            below = norm(u) if o.get("norms") == "together" else norm(g[n]) + wd * norm(p[n])
            local = eta * norm(p[n]) / (below + o.get("eps", 0))
            v = self.slot(n, p, "velocity")
            inner = lr * local if o.get("form") != "heavy_ball" else local
            outer = 1 if o.get("form") != "heavy_ball" else lr
            v[...] = mom * v + inner * u
            p[n] = p[n] - outer * (mom * v + inner * u if o.get("nesterov") else v)


class Lamb(Optimizer):
    """You et al. 2020, algorithm 2."""

    kind = "lamb"

    def move(self, p, f):
        o, g, b1, b2 = self.o, f.grad(p), 0.9, 0.999
        corrected = o.get("bias_correction", True)
        for n in p:
            m, v = self.slot(n, p, "m"), self.slot(n, p, "v")
            m[...] = b1 * m + (1 - b1) * g[n]
            v[...] = b2 * v + (1 - b2) * g[n] ** 2
            mh, vh = (m / (1 - b1**self.t), v / (1 - b2**self.t)) if corrected else (m, v)
            u = mh / (np.sqrt(vh) + 1e-6) + o.get("weight_decay", 0) * p[n]
            phi = min(max(norm(p[n]), o.get("norm_min", 0)), o.get("norm_max", np.inf))
            ratio = min(phi / norm(u), o.get("trust_max", np.inf))
            p[n] = p[n] - o["lr"] * ratio * u


class Adafactor(Optimizer):
    """Shazeer and Stern 2018 in the form of PyTorch 2.5."""

    kind = "adafactor"

    def move(self, p, f):
        o, g, eps1, eps2 = self.o, f.grad(p), np.finfo(float).eps, 1e-3
        w = self.t ** -0.8
        for n in p:
            lr = o.get("lr", 1e-2)
            rate = min(lr, 1 / np.sqrt(self.t)) if o.get("relative_step", True) else lr
            alpha = rate * (max(eps2, norm(p[n]) / np.sqrt(p[n].size)) if o.get("scale_parameter", True) else 1)
            if p[n].ndim > 1:
                row = self.slots[n].setdefault("row", np.zeros(p[n].shape[:-1] + (1,)))
                col = self.slots[n].setdefault("col", np.zeros((1,) + p[n].shape[1:]))
                row += w * (np.mean(g[n] ** 2, axis=-1, keepdims=True) - row)
                col += w * (np.mean(g[n] ** 2, axis=-2, keepdims=True) - col)
                v = (row @ col) / max(np.mean(row), eps1)
            else:
                v = self.slot(n, p, "v")
                v += w * (g[n] ** 2 - v)
            u = g[n] / np.sqrt(np.maximum(v, eps1**2))
            a = alpha / max(1, norm(u) / (np.sqrt(u.size) * o.get("d", 1)))
            b1 = o.get("beta1", 0)
            kept = p[n] * (1 - lr * o.get("weight_decay", 0))
            if b1 > 0:
                m = self.slot(n, p, "m")
                m[...] = b1 * m + (1 - b1) * a * u
                p[n] = kept - m
            else:
                p[n] = kept - a * u


class Muon(Optimizer):
    """Jordan et al. 2024 as PyTorch has it, in f64; vectors by AdamW."""

    kind = "muon"

    def move(self, p, f):
        o, g = self.o, f.grad(p)
        mu, lr, wd = 0.95, o["lr"], o.get("weight_decay", 0.1)
        for n in p:
            m, kept = self.slot(n, p, "m"), p[n] * (1 - lr * wd)
            if p[n].ndim < 2:
                v = self.slot(n, p, "v")
                m[...] = 0.9 * m + (1 - 0.9) * g[n]
                v[...] = 0.999 * v + (1 - 0.999) * g[n] ** 2
                p[n] = kept - lr * (m / (1 - 0.9**self.t)) / (np.sqrt(v / (1 - 0.999**self.t)) + 1e-8)
                continue
            m += (1 - mu) * (g[n] - m)
            u = g[n] + mu * (m - g[n]) if o.get("nesterov", True) else m
            rows, cols = u.shape
            x = (u.T if rows > cols else u) / max(norm(u), 1e-7)
            for _ in range(o.get("ns_steps", 5)):
                a = x @ x.T
                x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
            x = x.T if rows > cols else x
            how = o.get("adjust_lr", "original")
            s = {"original": max(1, rows / cols) ** 0.5, "transposed": max(1, cols / rows) ** 0.5, "match_rms_adamw": 0.2 * max(rows, cols) ** 0.5}[how]
            p[n] = kept - lr * s * x


class Prodigy(Optimizer):
    """Mishchenko and Defazio 2024, algorithm 4, and the details of the authors' description of their code."""

    kind = "prodigy"

    def setup(self, p):
        self.numbers = {"d": 1e-6, "d_max": 1e-6, "numerator": 0.0}
        for n in p:
            self.slots[n]["start"] = p[n].copy()

    def move(self, p, f):
        o, g, b1, b2, d0 = self.o, f.grad(p), 0.9, 0.999, 1e-6
        b3, d, wd, decouple = b2**0.5, self.numbers["d"], o.get("weight_decay", 0), o.get("decouple", True)
        correction = (1 - b2**self.t) ** 0.5 / (1 - b1**self.t) if o.get("use_bias_correction") else 1
        a = d * o.get("lr", 1.0) * correction
        q, total = b3 * self.numbers["numerator"], 0.0
        for n in p:
            gn = g[n] if decouple else g[n] + wd * p[n]
            q += d / d0 * a * float(np.sum(gn * (self.slots[n]["start"] - p[n])))
            m, v, s = (self.slot(n, p, k) for k in ("m", "v", "s"))
            m[...] = b1 * m + d * (1 - b1) * gn
            v[...] = b2 * v + d * d * (1 - b2) * gn**2
            s[...] = b3 * s + d / d0 * (d if o.get("safeguard_warmup") else a) * gn
            total += float(np.sum(np.abs(s)))
        hat = o.get("d_coef", 1) * q / total
        new = max(d, hat) if d == d0 else d
        top = max(self.numbers["d_max"], hat)
        new = min(top, new * o.get("growth_rate", np.inf))
        for n in p:
            kept = p[n] * (1 - a * wd) if decouple else p[n]
            p[n] = kept - a * self.slots[n]["m"] / (np.sqrt(self.slots[n]["v"]) + new * 1e-8)
        self.numbers = {"d": new, "d_max": top, "numerator": q}


class Polyak(Optimizer):
    """Polyak 1987; SPS_max of Loizou et al. 2021."""

    kind = "polyak"

    def setup(self, p):
        self.numbers = {"rate": np.inf}

    def move(self, p, f):
        o, g = self.o, f.grad(p)
        a = max(0, f.value(p) - o["f_min"]) / (o.get("c", 1) * all_norm(g) ** 2)
        a = min(a, o.get("max_lr", np.inf), o.get("growth", np.inf) * self.numbers["rate"])
        self.numbers["rate"] = a
        for n in p:
            p[n] = p[n] - a * g[n]


class ScheduleFree(Optimizer):
    """Defazio et al. 2024, equations 3 to 5 and algorithm 1: y, z and x kept apart."""

    grouped = True

    def setup(self, p):
        self.numbers = {"weight_sum": 0.0, "largest_lr": 0.0, "share": 0.0}
        for n in p:
            self.slots[n].update(z=p[n].copy(), x=p[n].copy())

    def move(self, p, f):
        o, g, adaptive = self.o, f.grad(p), self.kind == "schedule_free_adamw"
        beta, wd = o.get("momentum", 0.9), o.get("weight_decay", 0)
        gamma = o["lr"] * min(1, self.t / o["warmup_steps"] if o.get("warmup_steps") else 1)
        bc = 1 - 0.999**self.t
        if adaptive and o.get("bias_correction", "rate") == "rate":
            gamma, bc = gamma * bc**0.5, 1
        self.numbers["largest_lr"] = max(self.numbers["largest_lr"], gamma)
        weight = self.t ** o.get("r", 0) * self.numbers["largest_lr"] ** o.get("weight_lr_power", 2)
        self.numbers["weight_sum"] += weight
        c = self.numbers["share"] = weight / self.numbers["weight_sum"]
        for n in p:
            d = g[n]
            if adaptive:
                v = self.slot(n, p, "v")
                v[...] = 0.999 * v + (1 - 0.999) * g[n] ** 2
                d = g[n] / (np.sqrt(v / bc) + 1e-8)
            s = self.slots[n]
            s["z"] = s["z"] - gamma * (d + wd * p[n])
            s["x"] = (1 - c) * s["x"] + c * s["z"]
            p[n] = (1 - beta) * s["z"] + beta * s["x"]


class ScheduleFreeSgd(ScheduleFree):
    kind = "schedule_free_sgd"


class ScheduleFreeAdamw(ScheduleFree):
    kind = "schedule_free_adamw"


class Lookahead(Optimizer):
    """Zhang et al. 2019, algorithm 1."""

    kind = "lookahead"

    def setup(self, p):
        self.base = self.o["base"](p)
        for n in p:
            self.slots[n]["slow"] = p[n].copy()

    def move(self, p, f):
        self.base.step(p, f)
        if self.t % self.o.get("k", 5) == 0:
            a = self.o.get("alpha", 0.5)
            for n in p:
                slow = self.slots[n]["slow"]
                self.slots[n]["slow"] = slow + a * (p[n] - slow)
                p[n] = self.slots[n]["slow"].copy()
            if self.o.get("reset_state"):
                self.base = self.o["base"](p)


class Sam(Optimizer):
    """Foret et al. 2021, algorithm 1; adaptive: Kwon et al. 2021."""

    kind = "sam"

    def setup(self, p):
        self.base = self.o["base"](p)

    def move(self, p, f):
        o, g = self.o, f.grad(p)
        weight = {n: np.abs(p[n]) if o.get("adaptive") else np.ones_like(p[n]) for n in p}
        length = all_norm({n: weight[n] * g[n] for n in p})
        there = {n: p[n] + o.get("rho", 0.05) / (length + 1e-12) * weight[n] ** 2 * g[n] for n in p}

        class At:
            @staticmethod
            def grad(_):
                return f.grad(there)

        self.base.step(p, At)


class Svrg(Optimizer):
    """Johnson and Zhang 2013."""

    kind = "svrg"

    def move(self, p, f):
        period = self.o.get("period", 2 * TERMS)
        if (self.t - 1) % period == 0:
            mu = f.whole(p)
            for n in p:
                self.slots[n].update(anchor=p[n].copy(), full=mu[n])
        g, h = f.grad(p), f.grad({n: self.slots[n]["anchor"] for n in p})
        for n in p:
            d = g[n] - h[n] + self.slots[n]["full"]
            p[n] = p[n] - self.o["lr"] * (d + self.o.get("weight_decay", 0) * p[n])


class Saga(Optimizer):
    """Defazio, Bach and Lacoste-Julien 2014."""

    kind = "saga"

    def flat(self, g):
        return np.concatenate([g[n].reshape(-1) for n in sorted(NAMES)])

    def move(self, p, f):
        if not self.vectors:
            table = np.array([self.flat(f.grad(p, i)) for i in range(1, TERMS + 1)])
            if self.o.get("start") == "zeros":
                table *= 0
            self.vectors = {"table": table, "mean": table.mean(axis=0)}
        table, j = self.vectors["table"], f.i - 1
        g = self.flat(f.grad(p))
        d = g - table[j] + self.vectors["mean"]
        self.vectors["mean"] = self.vectors["mean"] + (g - table[j]) / TERMS
        table[j] = g
        for n in p:
            k = index(n)
            p[n] = p[n] - self.o["lr"] * d[k]


def sgd(**o):
    return lambda p: Sgd(p, **o)


def adam(**o):
    return lambda p: Adam(p, **o)


# Optimizer, its options here, the same in Lua where that says more than a plain table.
CASES = [
    (Lars, dict(lr=0.5)), (Lars, dict(lr=1.0, trust_coefficient=0.02, weight_decay=0.01, nesterov=True)),
    (Lars, dict(lr=2.0, norms="together", form="heavy_ball", weight_decay=0.1, eps=1e-3, momentum=0.5)),
    (Lamb, dict(lr=0.01)), (Lamb, dict(lr=0.02, weight_decay=0.1, bias_correction=False, trust_max=0.5, norm_max=0.8, norm_min=0.3)),
    (Adafactor, dict()), (Adafactor, dict(lr=0.02, weight_decay=0.1, beta1=0.5, scale_parameter=False, relative_step=False, d=0.5)),
    (Muon, dict(lr=0.02)), (Muon, dict(lr=0.01, nesterov=False, adjust_lr="match_rms_adamw", weight_decay=0)),
    (Muon, dict(lr=0.02, adjust_lr="transposed", ns_steps=2)),
    (Prodigy, dict()), (Prodigy, dict(use_bias_correction=True, safeguard_warmup=True, weight_decay=0.1, growth_rate=1.5, d_coef=2)),
    (Prodigy, dict(lr=0.5, weight_decay=0.1, decouple=False)),
    (Polyak, dict(f_min=-0.5)), (Polyak, dict(f_min=-1, c=2, max_lr=0.3, growth=1.2)),
    (ScheduleFreeSgd, dict(lr=0.1, warmup_steps=10)), (ScheduleFreeSgd, dict(lr=0.2, weight_decay=0.1, r=1, weight_lr_power=1, momentum=0.5)),
    (ScheduleFreeAdamw, dict(lr=0.01)), (ScheduleFreeAdamw, dict(lr=0.02, bias_correction="moment", warmup_steps=20, weight_decay=0.1)),
    (Lookahead, dict(base=sgd(lr=0.05, momentum=0.9)), "base = tw.optim.sgd{ lr = 0.05, momentum = 0.9 }"),
    (Lookahead, dict(k=3, alpha=0.8, reset_state=True, base=adam(lr=0.02)), "k = 3, alpha = 0.8, reset_state = true, base = tw.optim.adam{ lr = 0.02 }"),
    (Sam, dict(base=sgd(lr=0.05, momentum=0.9)), "base = tw.optim.sgd{ lr = 0.05, momentum = 0.9 }"),
    (Sam, dict(rho=0.5, adaptive=True, base=adam(lr=0.02)), "rho = 0.5, adaptive = true, base = tw.optim.adam{ lr = 0.02 }"),
    (Svrg, dict(lr=0.05, n=TERMS)), (Svrg, dict(lr=0.1, n=TERMS, period=3, weight_decay=0.1)),
    (Saga, dict(lr=0.05, n=TERMS)), (Saga, dict(lr=0.1, n=TERMS, start="zeros")),
]


def number(v):
    return "math.huge" if v == np.inf else float(v).hex()


def numbers(x):
    return "{" + ", ".join(number(v) for v in np.asarray(x).reshape(-1)) + "}"


def text(v):
    return str(v).lower() if isinstance(v, bool) else '"%s"' % v if isinstance(v, str) else repr(v)


def tensor(x):
    return "{ %s, %s }" % ("{" + ", ".join(str(n) for n in x.shape) + "}", numbers(x))


def table(d, show):
    return "{ " + ", ".join("%s = %s" % (k, show(d[k])) for k in sorted(d)) + " }"


def state(opt):
    parts = ["kind = \"%s\", steps = %d" % (opt.kind, opt.t), "slots = " + table(opt.slots, lambda s: table(s, tensor)),
             "%s = " % ("group_numbers" if opt.grouped else "numbers") + table(opt.numbers, number), "vectors = " + table(opt.vectors, tensor)]
    if opt.base:
        parts.append("base = " + state(opt.base))
    return "{ " + ", ".join(parts) + " }"


def run(make, options, perturbed, marks):
    p = start()
    if perturbed:
        p = {n: np.nextafter(p[n], 2.0) for n in p}
    opt, of = make(p, **copy.copy(options)), Sum if make in (Svrg, Saga) else Noisy
    for t in range(1, STEPS + 1):
        if t in MARKS:
            marks.append([t, {n: p[n].copy() for n in p}, state(opt), None])
        opt.step(p, of(t))
        if t in MARKS:
            marks[-1][3] = {n: p[n].copy() for n in p}
    return p


if __name__ == "__main__":
    print("-- Made by make_optim_wrap.py with NumPy %s; do not edit." % np.__version__)
    print("return {")
    for make, options, *lua in CASES:
        marks = []
        p, q = run(make, options, False, marks), run(make, options, True, [])
        spread = max(float(np.max(np.abs(p[n] - q[n]))) for n in p)
        assert spread < 1e-9, "a chaotic run tests nothing: %s" % options
        words = lua[0] if lua else ", ".join("%s = %s" % (k, text(v)) for k, v in options.items())
        print("  { kind = \"%s\", options = [[%s]], spread = %s, marks = {" % (make.kind, words, spread.hex()))
        for t, before, what, after in marks:
            print("    { t = %d, before = %s,\n      state = %s,\n      after = %s }," % (t, table(before, numbers), what, table(after, numbers)))
        print("  } },")
    print("}")
