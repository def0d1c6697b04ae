-- thalweg verify and show: what is run, what is printed for claims that hold, fail, are skipped or cannot be measured, the exit status, and the JSON document.
local shell = require "cli.shell"
local test = require "spec"

-- Gradient descent on x^2 / 2 from 1: loss is (1 - lr)^(2t) / 2. Without claims half of the runs fail.
local function script(name, claims, more)
  local fault = claims and "" or 'if p.lr == 0.5 then error("no good") end'
  local with = claims and "claims = function(sweep, claim)\n" .. claims .. "\nend," or ""
  shell.write(name .. ".lua", ([[
local tw = require "thalweg"
return tw.experiment {
  name = "%s", about = "descent",
  params = { lr = tw.space.choice{ 0.25, 0.5 }, steps = 8 },
  repeats = 2,
  %s
  run = function(run)
    local p, x = run.params, 1
    for t = 0, p.steps do
      run:log{ loss = 0.5 * x * x, x = tw.tensor{ x, t } }
      x = x - p.lr * x
    end
    %s
  end,
  %s
}
]]):format(name, more or "", fault, with))
end

local function verify(status, arguments)
  local got, out, err = shell.run("verify " .. arguments)
  if got ~= status then error(("thalweg verify %s: expected exit status %d, got %d\n%s%s"):format(arguments, status, got, out, err), 2) end
  return out, err
end

local function has(out, ...)
  for _, text in ipairs { ... } do
    if not out:find(text, 1, true) then error(("%q is not in:\n%s"):format(text, out), 2) end
  end
end

script("holds", [[
    local half = sweep:where{ lr = 0.5, rep = 1 }
    claim("one step takes a quarter", half:at("loss", 1), "==", 0.125)
    claim("the slope of log loss", half:fit_slope("step", "loss", { logy = true }), "~", -1.3862943611198906,
      { rel = 1e-12, why = "2 log(1/2)", seeds = 1, printed = -0.69, erratum = "the square is forgotten" })
    claim("the end of every run", sweep:values("loss"), "<", 0.01, { seeds = 2, se = 0.001 })
    claim("the full form", sweep.quick, "==", false)
    claim.skip("a million steps", "it takes an hour")]])

test("claims that hold: a line each, the counts, status 0; the runs are in runs/<name>.h5", function()
  local out, err = verify(0, "holds.lua")
  test.eq(err, "")
  local lines = {}
  for line in out:gmatch("[^\n]+") do lines[#lines + 1] = line end
  test.eq(lines, {
    "PASS  holds  one step takes a quarter  0.125 == 0.125",
    "PASS  holds  the slope of log loss     -1.386294361 ~ -1.386294361 (rel 1e-12)  (1 seed)",
    "               erratum: printed -0.69: the square is forgotten",
    "PASS  holds  the end of every run      [1 of 4] 0.0050113 < 0.01                (2 seeds, se 0.001)",
    "PASS  holds  the full form             false == false",
    "SKIP  holds  a million steps",
    "               skipped: it takes an hour",
    "4 passed, 0 failed, 1 skipped of 5 claims in 1 experiment",
  })
  local _, listed = shell.run("ls runs/holds.h5 -n 1")
  has(listed, "4 of 4 runs: 4 done")
end)

test("verifying again runs nothing and says the same", function()
  shell.sh("cp runs/holds.h5 before.h5")
  has(verify(0, "holds.lua"), "4 passed")
  test.eq(shell.sh("cmp runs/holds.h5 before.h5"), 0)
end)

script("fails", [[
    claim("it is tiny", sweep:where{ lr = 0.25 }:median("loss"), "<", 1e-6, { why = "a guess", seeds = 2 })
    claim("a slip of the pen", function() return sweep:median("lss") end, "<", 1)
    claim("nothing", nil, "<", 1)
    claim("a vector", sweep:where{ lr = 0.5, rep = 1 }:final("x"), "~", { 0.00390625, 7 }, { abs = 1e-9 })
    claim("still reached", 1, "==", 1)
    claim("beyond", sweep:final("loss"), "<", 1)
    claim("not reached", 1, "==", 1)]])

test("claims that fail: status 1, why, what was measured in full, how far beyond; the others go on", function()
  local out = verify(1, "fails.lua")
  has(out, "FAIL  fails  it is tiny ", "0.0050113 < 1e-6", "(2 seeds)", "why: a guess", "measured: 0.005011297878809273 < 1e-6\n",
    "beyond the bound by: 0.00501029787")
  has(out, "FAIL  fails  a slip of the pen", "fails.lua:17: median: unknown metric or result: lss; did you mean loss?")
  has(out, "FAIL  fails  nothing ", "fails.lua:18: nothing was measured: the value is nil")
  has(out, "[2 of 2] 8 ~ 7 (abs 1e-9)", "distance from the bound: 1\n")
  has(out, "PASS  fails  still reached", "FAIL  fails  the claims function comes to its end", "fails.lua:21: final: one run is needed: there are 4")
  test.ok(not out:find("not reached", 1, true))
  has(out, "1 passed, 5 failed, 0 skipped of 6 claims in 1 experiment")
  for line in out:gmatch("[^\n]+") do test.ok(#line <= 120, #line .. " columns: " .. line) end
end)

script("broken", nil)
shell.write("syntax.lua", "local x = = 1\n")

test("a failed run fails its experiment, a script that does not load fails, the others are verified; order is that of the files", function()
  local out = verify(1, "broken.lua holds.lua syntax.lua -j 2")
  has(out, "FAIL  broken  run ", "failed: broken.lua:", "no good (lr=0.5, seed 1)", "PASS  holds   one step", "FAIL  syntax  syntax.lua:1:")
  has(out, "4 passed, 0 failed, 1 skipped of 5 claims in 3 experiments; 2 experiments with runs that did not succeed")
  test.ok(out:find("broken", 1, true) < out:find("PASS  holds", 1, true) and out:find("PASS  holds", 1, true) < out:find("FAIL  syntax", 1, true))
end)

script("silent", 'claim("x", 1, "==", 1)')
shell.write("silent.lua", (shell.read("silent.lua"):gsub("claims = .*end,\n}", "}")))

test("an experiment without claims is said to have none", function()
  has(verify(0, "silent.lua"), "----  silent  it makes no claims; 4 of 4 runs have results", "0 passed, 0 failed, 0 skipped of 0 claims in 1 experiment")
end)

script("swift", [[
    claim("steps", #sweep:runs()():trace("loss"), "==", sweep.quick and 4 or 9)
    claim("runs", #sweep, "==", sweep.quick and 1 or 4)
    if sweep.quick then claim.skip("the end", "three steps do not reach it")
    else claim("the end", sweep:max("loss"), "<", 0.01) end]], "quick = { params = { steps = 3, lr = 0.5 }, repeats = 1 },")

test("--quick runs the quick form into a file of its own, beside the full one", function()
  local out = verify(0, "swift.lua --quick")
  has(out, "4 == 4", "1 == 1", "(quick)", "SKIP  swift  the end", "2 passed, 0 failed, 1 skipped")
  test.ok(shell.exists("runs/swift.quick.h5"))
  test.ok(not shell.exists("runs/swift.h5"))
  out = verify(0, "swift.lua")
  has(out, "9 == 9", "4 == 4", "3 passed, 0 failed, 0 skipped")
  test.ok(not out:find("quick", 1, true))
  has(verify(0, "swift.lua --quick"), "2 passed")
  has(verify(0, "holds.lua --quick"), "false == false") -- no quick form: the full one
  local status = shell.run("run swift.lua --quick --quiet -o other.h5")
  test.eq(status, 0)
  has(select(2, shell.run("run holds.lua --quick")), "holds has no quick form: it runs in full\n", "nothing to run: 4 of 4 runs have results")
  has(select(2, shell.run("diff other.h5 runs/swift.quick.h5")), "no differences in 1 runs")
end)

test("claims see the runs of the script's own plan, whatever else the file holds", function()
  test.eq(shell.run("run holds.lua --set lr=2.5 --quiet"), 0)
  test.eq(shell.run("run holds.lua --repeats 5 --seed 3 --quiet"), 0)
  has(select(2, shell.run("ls runs/holds.h5 -n 1")), "16 of 16 runs")
  has(verify(0, "holds.lua"), "[1 of 4] 0.0050113 < 0.01", "4 passed, 0 failed")
end)

test("--runs puts the files elsewhere, and --json is one document that Python reads", function()
  shell.write("read.py", [[
import json, sys
d = json.load(open("out.json"))
e = d["experiments"]
c = e[1]["claims"]
print(d["passed"], d["failed"], d["skipped"], d["claims"], d["quick"], [x["name"] for x in e], [x["status"] for x in e])
print(repr(c[1]["measured"]), c[1]["rel"], c[1]["printed"], c[1]["status"], c[2]["worst"]["measured"] < 0.01, c[3]["measured"], c[4]["message"])
print(e[0]["failures"][0]["status"], e[0]["failures"][0]["rep"], e[0]["planned"], e[0]["results"], e[1]["output"],
      e[2]["claims"], "syntax.lua:1" in e[2]["message"])
print(e[3]["claims"][0]["measured"], repr(e[3]["claims"][0]["text"]), e[3]["claims"][1]["measured"])
]])
  script("odd", [[claim("a \"quoted\"\ttext \\ é", { 0/0, 1/0, 0.1 }, "<", 1) claim("one third", 1/3, "<", 1) print("noise")]])
  local out, err = verify(1, "broken.lua holds.lua syntax.lua odd.lua --json --runs elsewhere -j 1")
  shell.write("out.json", out)
  has(err, "noise")
  test.ok(shell.exists("elsewhere/holds.h5"))
  local status, read, complaint = shell.sh("env -u LD_PRELOAD /usr/bin/python3 read.py")
  test.eq({ status, complaint }, { 0, "" })
  local lines = {}
  for line in read:gmatch("[^\n]+") do lines[#lines + 1] = line end
  test.eq(lines, {
    "5 1 1 7 False ['broken', 'holds', 'syntax', 'odd'] ['fail', 'pass', 'error', 'fail']",
    "-1.3862943611198906 1e-12 -0.69 pass True False it takes an hour",
    "failed 1 4 2 elsewhere/holds.h5 [] True",
    "['NaN', 'Infinity', 0.1] 'a \"quoted\"\\ttext \\\\ é' 0.3333333333333333",
  })
end)

test("several experiments at once say what they say one after another, in the same order", function()
  local files = "swift.lua silent.lua broken.lua fails.lua holds.lua odd.lua"
  local one_by_one = verify(1, files .. " -j 1 --runs a")
  test.eq(verify(1, files .. " -j 4 --runs b"), one_by_one)
  test.eq(verify(1, files .. " -j 2 --runs a"), one_by_one)
end)

test("an experiment without parameters, metrics or much else is verified as well", function()
  shell.write("bare.lua", [[
return require "thalweg".experiment {
  name = "bare",
  run = function() end,
  claims = function(sweep, claim)
    claim("one run", #sweep, "==", 1)
    claim("no metric", #sweep.metrics, "==", 0)
    claim("no loss", function() return sweep:final("loss") end, "<", 1)
  end,
}
]])
  has(verify(1, "bare.lua"), "1 == 1", "0 == 0", "final: unknown metric: loss; there are none", "2 passed, 1 failed")
  shell.write("leaves.lua", 'return require "thalweg".experiment { name = "leaves", run = function() end, claims = function() os.exit(3) end }\n')
  has(verify(1, "leaves.lua bare.lua"), "FAIL  leaves  it left with exit code 3", "2 passed, 1 failed")
end)

test("changed code is refused until --fresh moves the old runs aside", function()
  shell.write("holds.lua", (shell.read("holds.lua"):gsub("0%.5 %* x %* x", "0.5 * x * x + 0")))
  has(verify(1, "holds.lua"), "the code of run has changed", "0 passed, 0 failed, 0 skipped of 0 claims in 1 experiment")
  has(verify(0, "holds.lua --fresh"), "4 passed")
end)

test("a claim that is edited does not ask for new runs", function()
  shell.sh("cp runs/holds.h5 before.h5")
  shell.write("holds.lua", (shell.read("holds.lua"):gsub("a quarter", "a fourth part")))
  has(verify(0, "holds.lua"), "one step takes a fourth part", "4 passed")
  local status, out = shell.run("diff before.h5 runs/holds.h5")
  test.eq({ status, out }, { 0, "no differences in 4 runs\n" })
end)

test("wrong usage", function()
  for arguments, text in next, {
    [""] = "missing argument FILE", ["none.lua"] = "none.lua: there is no such file", ["holds.lua holds.lua"] = "holds.lua: it is given twice",
    ["holds.lua --quik"] = "did you mean --quick?", ["holds.lua -j 0"] = "--jobs is 0",
  } do
    local status, _, err = shell.run("verify " .. arguments)
    test.eq(status, 2, arguments)
    has(err, text)
  end
end)

test("an interrupt of the whole group ends with 130, and running again goes on", function()
  local slow = [[claim("all runs", #sweep:ok(), "==", 4)]]
  script("slow", slow)
  shell.write("slow.lua", (shell.read("slow.lua"):gsub("for t = 0, p.steps do", [[for t = 0, p.steps do
      if t == 1 then io.open("begun", "w"):close() end
      local till = os.clock() + 0.05
      while os.clock() < till do end]])))
  local status = shell.sh([[
export T
setsid sh -c 'echo $$ > pid; exec "$T" verify slow.lua -j 1' > run.txt 2>&1 &
child=$!
n=0
while [ ! -e begun ] && [ $n -lt 600 ]; do sleep 0.05; n=$((n + 1)); done
kill -INT -"$(cat pid)"
wait $child]])
  test.eq(status, 130, shell.read("run.txt"))
  has(shell.read("run.txt"), "interrupted; running again goes on from there")
  has(verify(0, "slow.lua"), "4 == 4")
end)

test("show tells about a sweep, and about one of its runs", function()
  local status, out = shell.run("show runs/holds.h5")
  test.eq(status, 0)
  has(out, "holds: descent", "runs        4: 4 done", "parameters  lr, steps", "metrics     loss, x[2]")
  local id = select(2, shell.run("ls runs/broken.h5 --status failed -n 1")):match("\n(%x+)")
  status, out = shell.run("show runs/broken.h5 " .. id:sub(1, 8))
  test.eq(status, 0)
  has(out, "run " .. id .. "  failed: broken.lua:", "lr       0.5", "loss     9  0.5    7.62939e-06", "log\n", "stack traceback")
  test.eq(shell.run("show runs/holds.h5 zz"), 2)
  test.eq(shell.run("show none.h5"), 2)
end)

shell.remove()
test.close()
