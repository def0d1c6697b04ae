#!/usr/bin/env python3
"""Writes tests/golden/stats.lua: statistics of fixed samples by NumPy and SciPy. Run by hand: /usr/bin/python3 tests/golden/make_stats.py"""
import numpy as np
import scipy
from pathlib import Path
from scipy import stats

rng = np.random.default_rng(20)


def lua(v):
    if isinstance(v, dict):
        return "{ " + ", ".join(f"{k} = {lua(x)}" for k, x in v.items()) + " }"
    if isinstance(v, (list, tuple, np.ndarray)):
        return "{ " + ", ".join(lua(x) for x in v) + " }"
    if isinstance(v, (int, np.integer)):
        return str(int(v))
    return repr(float(v))


def t_ppf(p, df):
    """SciPy 1.10's quantile is good to 1e-10 only; two Newton steps with its distribution function are good to 1e-14."""
    x = stats.t.ppf(p, df)
    for _ in range(2):
        tail, target = (stats.t.cdf(x, df), p) if p < 0.5 else (-stats.t.sf(x, df), p - 1)
        x -= (tail - target) / stats.t.pdf(x, df)
    return x


t = [[p, df, t_ppf(p, df)] for df in (1, 2, 3, 4, 7, 9, 29, 59, 199, 1999) for p in (1e-6, 0.005, 0.025, 0.3, 0.6, 0.95, 0.975, 0.995)]
t_cdf = [[x, df, stats.t.cdf(x, df)] for df in (1, 2.5, 4, 10, 99, 5000) for x in (-30.0, -4.0, -1.0, -1e-3, 0.0, 0.5, 2.0, 12.0)]
normal = [[p, stats.norm.ppf(p)] for p in (1e-300, 1e-20, 1e-6, 0.01, 0.025, 0.074, 0.2, 0.5, 0.6, 0.9, 0.975, 0.999999)]
normal_cdf = [[x, stats.norm.cdf(x)] for x in (-38.0, -20.0, -5.0, -3.0, -2.9, -1.0, -0.1, 0.0, 0.7, 1.96, 3.1, 8.0)]
binomial = [[k, n, p, stats.binom.cdf(k, n, p)] for n in (1, 5, 20, 61, 300) for k in (0, n // 3, n // 2, n - 1) for p in (0.1, 0.5, 0.77)]

samples = []
for n in (2, 3, 10, 37, 300):
    x = rng.normal(3, 2, n)
    y = 0.7 * x - 1 + rng.normal(0, 0.3, n)
    fit = stats.linregress(x, y)
    paired = stats.ttest_rel(x, y)
    half = t_ppf(0.975, n - 1) * stats.sem(x)
    lo, hi = x.mean() - half, x.mean() + half
    wins = int((x > y).sum())
    samples.append({
        "x": x, "y": y, "mean": x.mean(), "var": x.var(ddof=1), "sd": x.std(ddof=1), "se": stats.sem(x), "median": np.median(x),
        "quantiles": [[q, np.quantile(x, q)] for q in (0.0, 0.1, 0.25, 0.5, 0.9, 1.0)],
        "slope": fit.slope, "intercept": fit.intercept,
        "slope_se": fit.stderr if n > 2 else 0.0, "intercept_se": fit.intercept_stderr if n > 2 else 0.0, "r": fit.rvalue,
        "ci": [lo, hi], "t": paired.statistic, "p": paired.pvalue, "wins": wins, "sign_p": stats.binomtest(wins, n).pvalue,
    })

out = Path(__file__).with_name("stats.lua")
with out.open("w") as f:
    f.write(f"-- Made by make_stats.py with NumPy {np.__version__} and SciPy {scipy.__version__}; do not edit.\nreturn {{\n")
    for name, rows in (("t_quantile", t), ("t_cdf", t_cdf), ("normal_quantile", normal), ("normal_cdf", normal_cdf), ("binomial_cdf", binomial),
                       ("samples", samples)):
        f.write(f"  {name} = {{\n" + "".join(f"    {lua(r)},\n" for r in rows) + "  },\n")
    f.write("}\n")
