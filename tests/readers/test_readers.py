#!/usr/bin/env python3
"""Opens a sweep's file with every reader that is installed: test_readers.py [PATH_TO_H5].

Without a path the command in THALWEG makes two small sweeps (make_sweep.lua): a full grid, and one with everything that is awkward.
The one-liners of the documentation are run as they stand there. A reader that is not installed is skipped, and said so.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
import warnings

warnings.simplefilter("ignore")

passed, failed, skipped = 0, 0, 0
tests = []


class Skip(Exception):
    pass


def test(sentence):
    def register(function):
        tests.append((sentence, function))
        return function
    return register


def need(module):
    try:
        return __import__(module)
    except ImportError:
        raise Skip(f"{module} is not installed")


def need_program(name):
    if not shutil.which(name):
        raise Skip(f"{name} is not installed")
    return name


def equal(got, want, what=""):
    if got != want:
        raise AssertionError(f"{what}expected {want!r}, got {got!r}")


def true(value, what):
    if not value:
        raise AssertionError(what)


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


MEASURED = {"attempt", "worker", "lanes", "start_time", "wall_time", "cpu_time"}
STATUSES = "pending running done stopped diverged failed timeout interrupted crashed"


def facts(path):
    """What the file should hold, read with h5py: the names of its traces by stream, and the number of runs."""
    h5py = need("h5py")
    with h5py.File(path, "r") as f:
        traces = {n: text(d.attrs["stream"]) if "stream" in d.attrs else "" for n, d in f.items() if isinstance(d, h5py.Dataset) and "metric" in d.attrs}
        return {"traces": traces, "runs": f["run"].shape[0], "loss": "loss" if "loss" in f else next((n for n, s in traces.items() if not s), None)}


# ---- h5py ----


@test("h5py: every root dataset that uses a dimension has its scale attached")
def h5py_scales(path):
    h5py = need("h5py")
    with h5py.File(path, "r") as f:
        for name, d in f.items():
            if not isinstance(d, h5py.Dataset) or d.attrs.get("CLASS") == b"DIMENSION_SCALE":
                continue
            for i in range(d.ndim):
                equal(len(d.dims[i]), 1, f"{name}, dimension {i}: ")
            if d.ndim:
                equal(d.dims[0][0].name, "/run", f"{name}: ")


@test("h5py: the columns of the schema are there with their types")
def h5py_columns(path):
    h5py = need("h5py")
    types = {"config": "i4", "repeat": "i4", "run_id": "i8", "seed": "i8", "status": "i1", "ok": "i1", "n_steps": "i4", "attempt": "i2", "worker": "i2",
             "lanes": "i2", "start_time": "f8", "wall_time": "f8", "cpu_time": "f8"}
    with h5py.File(path, "r") as f:
        for name, kind in types.items():
            equal(f[name].dtype.str.lstrip("<|"), kind, f"{name}: ")
            equal("measured" in f[name].attrs, name in MEASURED, f"{name}, measured: ")
        true((f["run_id"][()] >= 0).all() and (f["run_id"][()] < 2**53).all(), "a run id is out of range")
        equal(len(set(f["run_id"][()])), f["run"].shape[0], "distinct run ids: ")
        equal(text(f["status"].attrs["flag_meanings"]), STATUSES)
        equal(list(f["status"].attrs["flag_values"]), list(range(9)))
        equal(text(f["ok"].attrs["dtype"]), "bool")
        equal(((f["status"][()] == 2) | (f["status"][()] == 3)).tolist(), (f["ok"][()] == 1).tolist(), "ok: ")


@test("h5py: the root says what the file is")
def h5py_root(path):
    h5py = need("h5py")
    with h5py.File(path, "r") as f:
        for name, want in (("Conventions", "CF-1.8 ACDD-1.3"), ("schema", "thalweg-sweep"), ("schema_version", "1.0"), ("layout", "rect")):
            equal(text(f.attrs[name]), want, f"{name}: ")
        for name in ("title", "source", "date_created", "date_modified", "id"):
            true(len(text(f.attrs[name])) > 0, f"{name} is empty")
        equal(int(f.attrs["runs_planned"][0]), f["run"].shape[0], "runs_planned: ")
        equal(int(f.attrs["runs_done"][0]), int(((f["status"][()] >= 2) & (f["status"][()] <= 4)).sum()), "runs_done: ")
        equal(len(f["provenance/plan/text"]), f["run"].shape[0], "plan texts: ")
        true("failures" in f, "no /failures")
        order = []
        f.id.links.iterate(lambda name: order.append(name), idx_type=h5py.h5.INDEX_CRT_ORDER)
        equal(text(order[0]), "run", "the first dataset made: ")


@test("h5py: traces are padded with NaN behind n_steps, and the summaries follow from them")
def h5py_summaries(path):
    h5py = need("h5py")
    import numpy as np
    with h5py.File(path, "r") as f:
        for name, d in f.items():
            if not isinstance(d, h5py.Dataset) or "metric" not in d.attrs:
                continue
            stream = text(d.attrs["stream"]) if "stream" in d.attrs else ""
            rows = f["n_" + (stream or "steps")][()]
            axis = f[(stream + "_" if stream else "") + "step"][()]
            true(np.isnan(d.attrs["_FillValue"][0]), f"{name}: _FillValue is not NaN")
            x = d[()].astype("f8")
            for r in range(len(rows)):
                true(np.isnan(x[r, rows[r]:]).all(), f"{name}, run {r}: something stands behind its rows")
            if d.ndim > 2:
                continue
            for r in range(len(rows)):
                row = x[r, :rows[r]]
                steps = axis[r] if axis.ndim == 2 else axis
                finite = row[~np.isnan(row)]
                want = [row[-1] if len(row) else np.nan, finite.min() if len(finite) else np.nan, finite.max() if len(finite) else np.nan]
                got = [f[f"{name}_{k}"][r] for k in ("final", "min", "max")]
                true(np.array_equal(got, want, equal_nan=True), f"{name}, run {r}: expected {want}, got {got}")
                equal(int(f[name + "_argmin"][r]), int(steps[int(np.nanargmin(row))]) if len(finite) else -1, f"{name}_argmin, run {r}: ")


@test("h5py: h5py.File(PATH)[\"loss\"][:, -1]")
def h5py_line(path):
    h5py = need("h5py")
    equal(h5py.File(path)[facts(path)["loss"]][:, -1].shape, (facts(path)["runs"],))


# ---- xarray ----


def opened(path, engine):
    xr = need("xarray")
    need("netCDF4" if engine == "netcdf4" else "h5netcdf")
    return xr.open_dataset(path, engine=engine)


def xarray_tests(engine):
    @test(f"xarray, {engine}: dimensions, coordinates and types")
    def dims(path):
        ds = opened(path, engine)
        known = facts(path)
        equal(ds.sizes["run"], known["runs"])
        for name in ("config", "repeat", "run_id", "seed", "status", "ok"):
            true(name in ds.coords, f"{name} is not a coordinate")
        for name in ds.variables:
            if name.startswith("hp_"):
                true(name in ds.coords, f"{name} is not a coordinate")
        equal(ds.ok.dtype.kind, "b", "ok: ")
        equal(ds.status.dtype.kind, "i", "status: ")
        equal(ds.wall_time.dtype.kind, "f", "wall_time: ")
        equal(ds.start_time.dtype.kind, "M", "start_time: ")
        for name, stream in known["traces"].items():
            axis = (stream + "_" if stream else "") + "step"
            if ds[axis].ndim == 1:
                equal(ds[name].dims[:2], ("run", axis), f"{name}: ")

    @test(f"xarray, {engine}: ds.loss.where(ds.ok).mean(\"run\")")
    def mean(path):
        ds, known = opened(path, engine), facts(path)
        equal(ds[known["loss"]].where(ds.ok).mean("run").ndim, ds[known["loss"]].ndim - 1)

    @test(f"xarray, {engine}: ds.set_index(run=[\"config\", \"repeat\"]).unstack(\"run\").loss")
    def unstack(path):
        ds, known = opened(path, engine), facts(path)
        loss = ds.set_index(run=["config", "repeat"]).unstack("run")[known["loss"]]
        true({"config", "repeat"} <= set(loss.dims), f"dimensions are {loss.dims}")
        equal(loss.sizes["config"], len(set(ds.config.values.tolist())))
        one = {"config": int(ds.config[-1]), "repeat": int(ds.repeat[-1])}
        true(loss.sel(**one).values.tobytes() == ds[known["loss"]][-1].values.tobytes(), "a cell is not its run")

    @test(f"xarray, {engine}: ds.set_index(run=[parameters..., \"repeat\"]).unstack(\"run\").loss")
    def grid(path):
        ds, known = opened(path, engine), facts(path)
        names = [n for n in ds.coords if n.startswith("hp_")]
        if not names or any("nested" in ds[n].attrs for n in names):
            raise Skip("the space is nested")
        if len(set(zip(*[ds[n].values.tolist() for n in names + ["repeat"]]))) != ds.sizes["run"]:
            raise Skip("the parameters do not tell the runs apart")
        loss = ds.set_index(run=names + ["repeat"]).unstack("run")[known["loss"]]
        true(set(names) <= set(loss.dims), f"dimensions are {loss.dims}")

    @test(f"xarray, {engine}: ds.loss.to_dataframe().dropna()")
    def tidy(path):
        need("pandas")
        ds, known = opened(path, engine), facts(path)
        frame = ds[known["loss"]].to_dataframe()
        equal(len(frame), ds[known["loss"]].size)
        true(len(frame.dropna(subset=[known["loss"]])) <= len(frame), "dropna")

    @test(f"xarray, {engine}: the plan's group opens by itself")
    def group(path):
        xr = need("xarray")
        opened(path, engine)
        if engine == "h5netcdf":
            plan = xr.open_dataset(path, engine=engine, group="provenance/plan", phony_dims="sort")
        else:
            plan = xr.open_dataset(path, engine=engine, group="provenance/plan")
        equal(plan.sizes["run"], facts(path)["runs"])


xarray_tests("netcdf4")
xarray_tests("h5netcdf")


@test("xarray: both engines read the same values")
def same_values(path):
    import numpy as np
    a, b = opened(path, "netcdf4"), opened(path, "h5netcdf")
    equal(list(a.variables), list(b.variables))
    for name in a.variables:
        true(np.array_equal(a[name].values, b[name].values, equal_nan=a[name].dtype.kind == "f"), f"{name} differs")


# ---- other readers ----


@test("netCDF4: every variable reads, every attribute is text or number")
def netcdf4(path):
    nc = need("netCDF4")
    with nc.Dataset(path) as f:
        equal(len(f.dimensions["run"]), facts(path)["runs"])
        for name, v in f.variables.items():
            v[:]
            json.dumps({k: str(v.getncattr(k)) for k in v.ncattrs()})
        for g in ("provenance", "failures"):
            for v in f.groups[g].variables.values():
                v[...]


@test("ncdump -h PATH")
def ncdump(path):
    out = subprocess.run([need_program("ncdump"), "-h", path], capture_output=True, text=True)
    equal(out.returncode, 0, out.stderr)
    true(f"{facts(path)['loss']}(run, " in out.stdout, "the trace is not listed")


@test("Octave: load(\"-hdf5\", PATH, \"loss\")")
def octave(path):
    out = subprocess.run([need_program("octave-cli"), "--eval", f'load("-hdf5", "{path}", "{facts(path)["loss"]}"); size({facts(path)["loss"]})'],
                         capture_output=True, text=True)
    equal(out.returncode, 0, out.stderr)


@test("R: h5read(PATH, \"loss\")")
def r(path):
    line = f'x <- rhdf5::h5read("{path}", "{facts(path)["loss"]}"); stopifnot(length(x) > 0)'
    program = need_program("Rscript")
    if subprocess.run([program, "-e", "library(rhdf5)"], capture_output=True).returncode != 0:
        raise Skip("rhdf5 is not installed")
    equal(subprocess.run([program, "-e", line], capture_output=True).returncode, 0)


def run_all(path, what):
    global passed, failed, skipped
    for sentence, function in tests:
        try:
            function(path)
            passed += 1
        except Skip as why:
            skipped += 1
            print(f"SKIP {what}{sentence}: {why}")
        except Exception:
            failed += 1
            print(f"FAIL {what}{sentence}\n{traceback.format_exc()}")


def main():
    if len(sys.argv) == 2:
        run_all(sys.argv[1], "")
    elif "THALWEG" in os.environ:
        maker = os.path.join(os.path.dirname(os.path.abspath(__file__)), "make_sweep.lua")
        with tempfile.TemporaryDirectory() as folder:
            for kind in ("grid", "ragged"):
                path = os.path.join(folder, kind + ".h5")
                subprocess.run([os.environ["THALWEG"], "lua", maker, path, kind], check=True)
                run_all(path, kind + ", ")
    else:
        print("use: test_readers.py PATH_TO_H5, or with THALWEG in the environment")
        return 2
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
