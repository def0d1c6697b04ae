-- The command end to end: what a sweep leaves in its file, and that running again does what is missing and nothing else.
local shell = require "cli.shell"
local test = require "spec"

local function line_count(text, pattern)
  local n = 0
  for line in text:gmatch("[^\n]+") do
    if line:find(pattern) then n = n + 1 end
  end
  return n
end

-- Asserts a command's exit status and shows its output when it is another one.
local function expect(status, arguments)
  local got, out, err = shell.run(arguments)
  if got ~= status then error(("thalweg %s: expected exit status %d, got %d\n%s%s"):format(arguments, status, got, out, err), 2) end
  return out, err
end

shell.write("tiny.lua", shell.experiment {})

test("a sweep ends with a table, the way to open the file, and no journals", function()
  local out, err = expect(0, "run tiny.lua")
  test.ok(out:find("3 configurations by loss", 1, true), out)
  test.ok(out:find('xr.open_dataset("runs/tiny.h5")', 1, true), out)
  test.ok(out:find("distance", 1, true), "results are columns: " .. out)
  local first = out:match("\n1 +(%S+)")
  test.eq(first, "0.9", "the best learning rate")
  test.ok(err:find("6/6 runs", 1, true), err)
  test.ok(shell.exists("runs/tiny.h5"))
  test.ok(not shell.exists("runs/tiny.h5.d"), "the journals are gone")
end)

test("the verb may be left out before a script", function()
  expect(0, "tiny.lua -o bare.h5 --quiet")
  test.eq(select(2, shell.run("diff bare.h5 runs/tiny.h5")), "no differences in 6 runs\n")
end)

test("--quiet says nothing", function()
  local out, err = expect(0, "run tiny.lua -o quiet.h5 --quiet")
  test.eq({ out, err }, { "", "" })
end)

test("one worker and two give the same file", function()
  expect(0, "run tiny.lua -j 1 -o j1.h5")
  expect(0, "run tiny.lua -j 2 -o j2.h5")
  test.eq(expect(0, "diff j1.h5 j2.h5"), "no differences in 6 runs\n")
end)

test("diff finds a planted difference and exits 1", function()
  shell.write("planted.lua", (shell.experiment {}:gsub("0%.5 %* x %* x", "(p.lr == 0.5 and t == 7) and 0.5 * x * x * (1 + 2^-52) or 0.5 * x * x")))
  expect(0, "run planted.lua -o planted.h5")
  local out = expect(1, "diff j1.h5 planted.h5")
  test.ok(out:find("differences in 6 runs", 1, true) and not out:find("no differences", 1, true), out)
end)

test("running again executes nothing and leaves the file alone", function()
  local _, before = shell.sh("stat -c '%i %y %s' runs/tiny.h5")
  local out = expect(0, "run tiny.lua")
  test.ok(out:find("nothing to run: 6 of 6 runs have results", 1, true), out)
  test.eq(select(2, shell.sh("stat -c '%i %y %s' runs/tiny.h5")), before)
  test.ok(not shell.exists("runs/tiny.h5.d"))
end)

test("a larger space and more repeats execute only the new runs", function()
  local function runs() return line_count(shell.read("count"), "%x+") end
  shell.write("count", "")
  shell.write("grow.lua", (shell.experiment { name = "grow", space = "lr = tw.space.choice{ 0.5, 0.9 }, steps = 0",
    body = 'local f = io.open("count", "a") f:write(run.id, "\\n") f:close()' }))
  expect(0, "run grow.lua")
  test.eq(runs(), 4)
  local text = shell.read("grow.lua")
  shell.write("grow.lua", (text:gsub("{ 0.5, 0.9 }", "{ 0.1, 0.5, 0.9 }")))
  local out = expect(0, "run grow.lua --dry-run")
  test.ok(out:find("2 of 6 runs would be executed", 1, true), out)
  expect(0, "run grow.lua")
  test.eq(runs(), 6)
  shell.write("grow.lua", (text:gsub("{ 0.5, 0.9 }", "{ 0.1, 0.5, 0.9 }"):gsub("repeats = 2", "repeats = 3")))
  expect(0, "run grow.lua")
  test.eq(runs(), 9)
  expect(0, "run grow.lua --seed 1")
  test.eq(runs(), 18)
  expect(0, "run grow.lua --set lr=0.7 --repeats 1")
  test.eq(runs(), 19)
  expect(0, "run grow.lua -o whole.h5")
  local ls = expect(0, "ls runs/grow.h5")
  test.ok(ls:find("19 of 19 runs: 19 done", 1, true), ls)
  test.eq(line_count(ls, "lr=0.7"), 1)
end)

test("the script's enumeration goes first, runs outside it follow, a restricted call appends", function()
  local function order(path)
    local out = {}
    for lr in expect(0, "ls " .. path):gmatch("lr=(%S+)") do out[#out + 1] = lr end
    return table.concat(out, " ")
  end
  shell.write("order.lua", shell.experiment { name = "order", repeats = 1, space = "lr = tw.space.choice{ 0.5, 0.9 }, steps = 0" })
  expect(0, "run order.lua --only lr==0.9")
  expect(0, "run order.lua --set lr=0.3")
  test.eq(order("runs/order.h5"), "0.9 0.3")
  expect(0, "run order.lua")
  test.eq(order("runs/order.h5"), "0.5 0.9 0.3")
end)

test("--only, --run and --dry-run choose runs", function()
  local out = expect(0, "run tiny.lua -o chosen.h5 --only 'lr<0.5 or lr>0.6' --dry-run")
  test.eq(line_count(out, "to run"), 4)
  test.ok(not shell.exists("chosen.h5.d") and not shell.exists("chosen.h5"), "a dry run leaves nothing behind")
  local id = out:match("^(%x+)")
  expect(0, "run tiny.lua -o chosen.h5 --run " .. id)
  local ls = expect(0, "ls chosen.h5")
  test.ok(ls:find("1 of 1 runs: 1 done", 1, true), ls)
  test.ok(ls:find(id, 1, true), ls)
  test.eq(shell.run("run tiny.lua -o chosen.h5 --run 0123456789abcd"), 2)
end)

test("a run that raises is failed, with its message and its log, and the others go on", function()
  shell.write("fails.lua", shell.experiment { name = "fails", body = 'if p.lr == 0.5 and t == 3 then print("about to fail") error("no luck") end' })
  local out, err = expect(1, "run fails.lua --keep-journal")
  test.ok(err:find("failed: fails.lua:10: no luck", 1, true), err)
  test.ok(err:find("2 failed", 1, true), err)
  local ls = expect(0, "ls runs/fails.h5 --status failed")
  test.ok(ls:find("2 of 6 runs: 2 failed", 1, true), ls)
  local id = ls:match("\n(%x+) +failed")
  local log = shell.read("runs/fails.h5.d/" .. id .. ".log")
  test.ok(log:find("^about to fail\n"), log)
  test.ok(log:find("no luck\nstack traceback:", 1, true), log)
  local _ = out
  out = expect(1, "run fails.lua")
  test.ok(out:find("2 failed: --retry does them again", 1, true), out)
end)

test("--retry does failed runs again", function()
  shell.write("moody.lua", shell.experiment { name = "moody", body = 'if p.lr == 0.5 and not io.open("cured") then error("not yet") end' })
  expect(1, "run moody.lua")
  shell.write("cured", "")
  expect(0, "run moody.lua --retry")
  test.ok(expect(0, "ls runs/moody.h5"):find("6 of 6 runs: 6 done", 1, true))
end)

test("a non-finite loss is recorded and ends its run as diverged, pcall or not", function()
  shell.write("diverge.lua", shell.experiment { name = "diverge", space = "lr = tw.space.choice{ 0.5, 3.5 }, steps = 3000" })
  expect(0, "run diverge.lua")
  local ls = expect(0, "ls runs/diverge.h5")
  test.ok(ls:find("4 of 4 runs: 2 done, 2 diverged", 1, true), ls)
  test.ok(ls:find("loss is not finite at step", 1, true), ls)
  shell.write("first.lua", shell.experiment { name = "first", body = 'pcall(function() if p.lr == 0.5 then run:log{ loss = 0 / 0 } end end)' })
  expect(0, "run first.lua")
  ls = expect(0, "ls runs/first.h5")
  test.ok(ls:find("6 of 6 runs: 4 done, 2 diverged", 1, true), ls)
end)

test("a run may stop itself", function()
  shell.write("stops.lua", shell.experiment { name = "stops",
    body = 'run:progress(t, p.steps) run:stop_if(t == 5 and p.lr == 0.5, "enough") if p.lr == 0.1 then run:stop("at once") end' })
  expect(0, "run stops.lua")
  local ls = expect(0, "ls runs/stops.h5")
  test.ok(ls:find("6 of 6 runs: 2 done, 4 stopped", 1, true), ls)
  test.ok(ls:find("enough", 1, true) and ls:find("at once", 1, true), ls)
end)

test("a run that takes its process along is crashed, and the others go on", function()
  shell.write("crash.lua", shell.experiment { name = "crash",
    body = 'if t == 3 and p.lr == 0.5 then print("last words") os.exit(3) end if t == 3 and p.lr == 0.9 then os.execute("kill -9 $PPID") end' })
  local _, err = expect(1, "run crash.lua -j 2 --keep-journal")
  test.ok(err:find("crashed: the process left with exit code 3 inside the run", 1, true), err)
  test.ok(err:find("crashed: killed by signal 9 (Killed)", 1, true), err)
  local ls = expect(0, "ls runs/crash.h5")
  test.ok(ls:find("6 of 6 runs: 2 done, 4 crashed", 1, true), ls)
  local id = ls:match("\n(%x+) +crashed[^\n]*lr=0.5")
  test.ok(shell.read("runs/crash.h5.d/" .. id .. ".log"):find("last words", 1, true))
end)

test("runs leave nothing behind for the next one", function()
  shell.write("state.lua", shell.experiment { name = "state", space = 'lr = 0.5, steps = 0, list = tw.space.choice{ { 1 }, { 2 }, { 3 } }', repeats = 1,
    body = 'run:log{ draw = math.random(), n = #p.list } p.list[2] = 5 p.lr = 7' })
  expect(0, "run state.lua -j 1")
  expect(0, "run state.lua -j 3 -o state3.h5")
  expect(0, "diff runs/state.h5 state3.h5")
  local out = expect(0, "best runs/state.h5 --metric n --at max --goal max")
  test.ok(out:find("highest first", 1, true) and not out:find("\n1 .* 2 "), out)
end)

test("what a run changes in captured variables, tables and modules is put back for the next one", function()
  local function same(name, run, before, modules)
    shell.write(name .. ".lua", ([[
local tw = require "thalweg"
%s
return tw.experiment { name = "%s", params = { lr = tw.space.choice { 1, 2, 3 } }, repeats = 4, run = function(run) %s end }
]]):format(before, name, run))
    local flags = " " .. name .. ".lua --quiet -o " .. name
    for _, workers in ipairs { 1, 3 } do
      local status, _, err = shell.sh((modules or "") .. '"$T" run' .. flags .. workers .. ".h5 -j " .. workers)
      test.eq(status, 0, err)
    end
    test.eq(expect(0, ("diff %s1.h5 %s3.h5"):format(name, name)), "no differences in 12 runs\n")
    local ls = expect(0, "ls " .. name .. "1.h5")
    test.eq(line_count(ls, " done +%d+ +%d+ +1[ .]"), 12, ls)
  end
  same("leak", "buf[#buf + 1] = 1 run:log{ loss = #buf }", "local buf = {}")
  same("count", "n = n + 1 run:log{ loss = n }", "local n = 0")
  same("failing", 'pcall(function() t.a.b = t.a.b + 1 error("x") end) run:log{ loss = t.a.b }', "local t = { a = { b = 0 } } t.a.t = t")
  shell.write("memo.lua", "local calls = 0 return { next = function() calls = calls + 1 return calls end }")
  same("module", "run:log{ loss = memo.next() }", 'local memo = require "memo"')
  same("late", 'run:log{ loss = require("memo").next() }', "")
  shell.sh("mkdir lib && mv memo.lua lib/far.lua")
  same("search", 'run:log{ loss = require("far").next() }', "", "LUA_PATH='lib/?.lua;;' ")
end)

test("misuse of the run object is answered with what is right", function()
  shell.write("misuse.lua", [[
local tw = require "thalweg"
local cases = {
  a = function(run) return run.parms end,
  b = function(run) run.log { loss = 1 } end,
  c = function(run) run:rng(7) end,
  d = function(run) run:stop_if("yes") end,
  e = function(run) run:log { loss = "low" } end,
  f = function(run) run:progress(1, 0) end,
  g = function(run) run:log { Loss = 1 } end,
}
return tw.experiment { name = "misuse", params = { case = tw.space.choice { "a", "b", "c", "d", "e", "f", "g" } },
  run = function(run) cases[run.params.case](run) end }
]])
  expect(1, "run misuse.lua")
  local ls = expect(0, "ls runs/misuse.h5")
  for _, text in ipairs { "misuse.lua:3: run: no field of this name: name is parms; did you mean params?", "write run:log(...)", 'write run:rng("init")',
    "the condition must be true, false or a 0-d tensor: it is a string", "loss", "the total is a number above 0", "Loss" } do
    test.ok(ls:find(text, 1, true), ("%q is not in:\n%s"):format(text, ls))
  end
end)

test("generators of a run go by name and begin anew in every run", function()
  shell.write("rng.lua", [[
local tw = require "thalweg"
return tw.experiment { name = "rng", params = { first = tw.space.choice { "a", "b" } }, repeats = 2, run = function(run)
  run:rng(run.params.first):uniform(3)
  local a, b = run:rng("a"), run:rng("b")
  if run.params.first == "a" then b:uniform(3) else a:uniform(3) end
  run:log { loss = a:uniform():item(), other = b:uniform():item() }
end }
]])
  expect(0, "run rng.lua -j 1")
  local draws = {}
  for seed, loss in expect(0, "ls runs/rng.h5"):gmatch(" done +(%d) +1 +(%S+)") do
    draws[seed] = draws[seed] or loss
    test.eq(loss, draws[seed])
  end
  test.ok(draws["1"] and draws["2"] and draws["1"] ~= draws["2"], "the seeds differ")
end)

test("compression and syncing change nothing in the results", function()
  expect(0, "run tiny.lua -o compressed.h5 --compress 4 --sync run --quiet")
  expect(0, "run tiny.lua -o unsynced.h5 --sync off --quiet")
  expect(0, "diff compressed.h5 runs/tiny.h5")
  expect(0, "diff unsynced.h5 runs/tiny.h5")
end)

test("on a terminal progress is one line drawn over and over", function()
  if not os.execute("command -v script >/dev/null") then return test.skip("progress on a terminal", "there is no script command") end
  local status, out = shell.sh([[TERM=xterm script -qec '"$T" run tiny.lua -o tty.h5' /dev/null]])
  test.eq(status, 0, out)
  test.ok(out:find("\rtiny  %d/6 runs"), out)
  test.ok(out:find("\27[K", 1, true), out)
end)

test("changed code is refused with a diff; layout and the space are no code", function()
  shell.write("code.lua", shell.experiment { name = "code" })
  expect(0, "run code.lua")
  local text = shell.read("code.lua")
  shell.write("code.lua", "-- a comment\n" .. text)
  expect(0, "run code.lua")
  shell.write("code.lua", (text:gsub("0.5 %* x %* x", "0.25 * x * x")))
  local out, err = expect(2, "run code.lua")
  test.ok(err:find("\n-      run:log{ loss = 0.5 * x * x", 1, true) and err:find("\n+      run:log{ loss = 0.25 * x * x", 1, true), err)
  test.ok(err:find("--accept-script", 1, true) and err:find("--fresh", 1, true), err)
  expect(0, "run code.lua --accept-script --repeats 3")
  test.ok(expect(0, "ls runs/code.h5"):find("9 of 9 runs: 9 done", 1, true))
  expect(0, "run code.lua")
  out = expect(0, "run code.lua --fresh")
  local aside = out:match("moved aside: (%S+)")
  test.ok(aside:find("^runs/code%.%d%d%d%d%-%d%d%-%d%dT%d+Z%.h5$"), out)
  test.ok(expect(0, "ls " .. aside):find("9 of 9 runs", 1, true))
  test.ok(expect(0, "ls runs/code.h5"):find("6 of 6 runs", 1, true))
end)

test("a file of another experiment is refused", function()
  local _, err = expect(2, "run code.lua -o runs/tiny.h5")
  test.ok(err:find("runs/tiny.h5 holds another experiment: it is tiny, the script's is code", 1, true), err)
end)

test("best takes another metric and lists the valid ones", function()
  local out = expect(0, "best runs/tiny.h5 --metric x --goal max -n 1")
  test.ok(out:find("best 1 of 3 configurations by x", 1, true), out)
  local _, err = expect(2, "best runs/tiny.h5 --metric los")
  test.ok(err:find("did you mean loss?", 1, true), err)
end)

test("ls filters by status and parameters", function()
  local out = expect(0, "ls runs/tiny.h5 --only 'lr>=0.5' -n 1")
  test.ok(out:find("4 of 6 runs: 4 done", 1, true), out)
  test.eq(line_count(out, " done "), 1)
  test.ok(expect(0, "ls runs/tiny.h5 --status failed,crashed"):find("0 of 6 runs", 1, true))
end)

test("thalweg lua runs a plain script with its arguments", function()
  shell.write("plain.lua", 'local tw = require "thalweg" print(type(tw.space), arg[0], arg[1], ...) os.exit(4)')
  local out = expect(4, "lua plain.lua --flag b")
  test.eq(out, "table\tplain.lua\t--flag\t--flag\tb\n")
end)

test("a result ranks as a metric does; a metric that nobody logged is told with those there are; failures are told quiet or not", function()
  shell.write("ranked.lua", [[
local tw = require "thalweg"
return tw.experiment { name = "ranked", objective = { metric = "acc", goal = "max" }, params = { lr = tw.space.choice { .1, .2, .3 } },
  run = function(run)
    local p = run.params
    run:log { loss = p.lr }
    run:result { acc = 10 * p.lr, size = 3 }
    if p.lr == .3 then error("too large") end
  end }]])
  local _, err = expect(1, "run ranked.lua --quiet")
  test.ok(err:find("ranked.lua:7: too large", 1, true), err)
  local out = expect(0, "best runs/ranked.h5")
  test.ok(out:find("best 2 of 3 configurations by acc (median over seeds, highest first):", 1, true), out)
  test.ok(out:find("1  0.2    2    2    2      1     3", 1, true), out)
  test.ok(expect(0, "best runs/ranked.h5 --metric size -n 1"):find("by size", 1, true))
  _, err = expect(2, "best runs/ranked.h5 --metric los")
  test.ok(err:find("unknown metric: los; did you mean loss?", 1, true), err)
  shell.sh([[sed 's/metric = "acc"/metric = "los"/' ranked.lua > mistaken.lua]])
  out = expect(1, "run mistaken.lua -o mistaken.h5")
  test.ok(out:find("no run has a result with los yet; did you mean loss?", 1, true), out)
end)

test("an objective with axes ranks nothing, and the sweep grows all the same", function()
  shell.write("vector.lua", [[
local tw = require "thalweg"
return tw.experiment { name = "vector", objective = { metric = "vec" }, params = { k = tw.space.choice { 1, 2 } },
  run = function(run) run:log { vec = tw.tensor { run.params.k, 1 } } end }]])
  local out = expect(0, "run vector.lua -o vector.h5")
  test.ok(out:find("vec has the shape [2] at every step; configurations are ranked by a single number", 1, true), out)
  expect(0, "run vector.lua -o vector.h5 --repeats 2 --quiet")
  test.ok(expect(0, "ls vector.h5"):find("4 done", 1, true))
end)

test("the live line's best is that of the whole file", function()
  shell.sh([[sed 's/metric = "acc", goal = "max"/metric = "loss"/' ranked.lua > grown.lua]])
  expect(0, "run grown.lua --only 'lr==.1' -o best.h5")
  local _, err = expect(0, "run grown.lua --only 'lr==.2' -o best.h5")
  test.ok(err:find("best loss 0.1 (lr=0.1)", 1, true), err)
end)

test("best ranks what --where keeps, and takes the best of each with --by; opt.lr and opt_lr are one name", function()
  shell.write("kinds.lua", [[
local tw = require "thalweg"
local rate = tw.space.choice { .01, .1, .2 }
return tw.experiment { name = "kinds", params = { opt = tw.space.choice { tw.optim.sgd { lr = rate }, tw.optim.adam { lr = rate } } }, repeats = 2,
  run = function(run)
    local x = tw.tensor { 3, 4 }
    local opt = run.params.opt:new(x)
    for _ = 1, 9 do run:log { loss = opt:step(function(x) return x:dot(x) end) } end
  end }]])
  expect(0, "run kinds.lua --quiet")
  local out = expect(0, "best runs/kinds.h5 --by opt")
  for _, wants in ipairs { "best for each opt, 2 of 6 configurations by loss", "1  sgd{lr=0.2}", "2  adam{lr=0.2}" } do
    test.ok(out:find(wants, 1, true), out)
  end
  for _, name in ipairs { "opt.lr", "opt_lr" } do
    out = expect(0, ([[best runs/kinds.h5 --where '%s<.15 and repeat==1']]):format(name))
    test.ok(out:find("4 configurations by loss", 1, true) and out:find("1  sgd{lr=0.1} ", 1, true) and not out:find("0.2", 1, true), out)
    test.ok(expect(0, ([[ls runs/kinds.h5 --only '%s<.15']]):format(name)):find("8 of 12 runs", 1, true))
    test.ok(expect(0, ([[run kinds.lua --only '%s<.15' -o some.h5 --dry-run]]):format(name)):find("8 of 8 runs", 1, true))
  end
  test.ok(expect(0, [[best runs/kinds.h5 --where 'opt_lr>5']]):find("no run is selected", 1, true))
  local _, err = expect(2, "best runs/kinds.h5 --by opz")
  test.ok(err:find("--by: unknown parameter: opz; did you mean opt?", 1, true), err)
end)

test("--only that selects nothing is told what there is", function()
  local _, err = expect(2, [[run ranked.lua --only 'lr>1' -o none.h5]])
  test.ok(err:find("--only: no configuration is selected: lr>1; there are: lr 0.1, 0.2, 0.3", 1, true), err)
end)

shell.remove()
test.close()
