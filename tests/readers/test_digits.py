#!/usr/bin/env python3
# builds: release
"""The shipped experiment from end to end: experiments/digits_lr_decay.lua run by the command in THALWEG, its file judged through xarray.

The learning rates are compared with the schedules' formulas, the result with what the experiment is there to show, and the bits with those of
another number of workers and of the sanitized build.
"""
import os
import subprocess
import sys
import tempfile
import traceback
import warnings

import numpy as np
import xarray as xr

warnings.simplefilter("ignore")
thalweg, root, build = os.environ["THALWEG"], os.environ["TW_ROOT"], os.environ["TW_BUILD"]
script = os.path.join(root, "experiments", "digits_lr_decay.lua")
counts = {"passed": 0, "failed": 0, "skipped": 0}


def test(sentence, function):
    try:
        function()
        counts["passed"] += 1
    except Exception:
        counts["failed"] += 1
        print(f"FAIL {sentence}\n{traceback.format_exc()}")


def equal(got, want, what=""):
    assert got == want, f"{what}expected {want!r}, got {got!r}"


def call(program, *arguments, status=0):
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    equal(done.returncode, status, f"{' '.join(arguments)}: {done.stdout}{done.stderr}\nexit status: ")
    return done.stdout


# Factor at step t of each kind of decay, from its definition and the values in the hp_decay_ columns.
def factor(kind, p, t):
    if kind == "constant":
        return np.ones(len(t))
    if kind == "piecewise":
        return np.where(t < 500, 1, np.where(t < 800, 0.3, 0.1))
    if kind == "exponential":
        return np.exp(-p["hp_decay_rate"] * t)
    return (p["hp_decay_beta"] * t + 1.0) ** -p["hp_decay_alpha"]


def main(folder):
    path = os.path.join(folder, "digits.h5")
    test("runs every configuration to its end", lambda: call(thalweg, "run", script, "-o", path, "--quiet"))
    ds = xr.open_dataset(path)
    kinds = ds.hp_decay.attrs["flag_meanings"].split()

    def shape():
        equal((ds.sizes["run"], ds.sizes["step"], ds.sizes["eval_step"]), (90, 1000, 20))
        equal(ds.loss.dims, ("run", "step"))
        equal(ds.eval_accuracy.dims, ("run", "eval_step"))
        assert {"hp_lr", "hp_decay", "repeat", "config", "ok"} <= set(ds.coords), list(ds.coords)
        equal(sorted(set(ds.hp_lr.values)), [0.003, 0.01, 0.03, 0.1, 0.3])
        equal(sorted(kinds), ["constant", "exponential", "inverse_power", "piecewise"])
        equal(int(ds.ok.sum()), 90)

    def rates():
        t = ds.step.values
        for i in range(ds.sizes["run"]):
            row = {n: float(ds[n][i]) for n in ds.coords if n.startswith("hp_decay_")}
            want = float(ds.hp_lr[i]) * factor(kinds[int(ds.hp_decay[i])], row, t)
            # The metric may be recorded in f32, whose rounding is 6e-8.
            np.testing.assert_allclose(ds.lr[i].values.astype("f8"), want, rtol=1e-6, err_msg=f"run {i}")

    def curves():
        # The median: the largest learning rate with momentum 0.9 blows some runs up, as it should.
        middle = ds.loss.where(ds.ok).median("run").values
        assert np.isfinite(middle).all()
        assert middle[:10].mean() > 1.2 and middle[-100:].mean() < 0.25, (middle[:10].mean(), middle[-100:].mean())

    def accuracy():
        frame = ds[["eval_accuracy_final", "result_test_accuracy", "config"]].to_dataframe().groupby("config").median()
        best = frame.eval_accuracy_final.idxmax()
        seeds = int((ds.config == best).sum())
        print(f"best configuration on validation: {frame.result_test_accuracy[best]:.4f} test accuracy, median of {seeds} seeds")
        assert frame.result_test_accuracy[best] >= 0.96, frame.loc[best]

    def same_bits(program, *more):
        a, b = os.path.join(folder, "a.h5"), os.path.join(folder, "b.h5")
        for file in (a, b):
            if os.path.exists(file):
                os.remove(file)
        some = ("--only", "lr==0.1", "--repeats", "2", "--quiet")
        call(thalweg, "run", script, "-o", a, "-j", "1", *some)
        call(program, "run", script, "-o", b, "-j", "2", *some)
        call(thalweg, "diff", a, b)

    test("the file has the dimensions and coordinates of the experiment", shape)
    test("the recorded learning rates follow the schedules' formulas", rates)
    test("the loss falls, in the median over the runs", curves)
    test("the best configuration on validation reaches 96 % test accuracy", accuracy)
    test("one worker and two leave the same bits", lambda: same_bits(thalweg))
    sanitized = os.path.join(build, "dev", "thalweg")
    if os.path.exists(sanitized):
        test("the sanitized build leaves the same bits", lambda: same_bits(sanitized))
    else:
        counts["skipped"] += 1
        print("SKIP the sanitized build leaves the same bits: it has not been built")


with tempfile.TemporaryDirectory() as scratch:
    main(scratch)
print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts))
sys.exit(1 if counts["failed"] else 0)
