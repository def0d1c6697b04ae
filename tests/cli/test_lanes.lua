-- Runs computed together: whatever the width and the number of workers, the file is the one of runs done one by one.
local shell = require "cli.shell"
local test = require "spec"

local function expect(status, arguments)
  local got, out, err = shell.run(arguments)
  if got ~= status then error(("thalweg %s: expected exit status %d, got %d\n%s%s"):format(arguments, status, got, out, err), 2) end
  return out, err
end

-- The same script at several widths; every file must be equal to the first.
local function same_at_every_width(file, runs, status)
  local name = file:gsub("%.lua$", "")
  local said = {}
  for i, flags in ipairs { "--lanes 1 -j 1", "--lanes 2 -j 2", "--lanes 3 -j 1", "--lanes 64 -j 1", "-j 2", "" } do
    local out = name .. "-" .. i .. ".h5"
    local _, err = expect(status or 0, ("run %s -o %s %s"):format(file, out, flags))
    said[i] = err
    if i > 1 then test.eq(expect(0, ("diff %s-1.h5 %s"):format(name, out)), ("no differences in %d runs\n"):format(runs)) end
  end
  return said
end

local function script(name, lanes, params, body, more)
  shell.write(name .. ".lua", ([[
local tw = require "thalweg"
local space, schedule = tw.space, tw.schedule
return tw.experiment {
  name = "%s", lanes = { %s }, params = { %s }, %s
  run = function(run)
    local p = run.params
    %s
  end,
}
]]):format(name, lanes, params, more or "", body))
  return name .. ".lua"
end

test("learning rate, momentum and decay in lanes; stopping and diverging runs leave, the others go on", function()
  local file = script("valley", '"lr", "momentum", "decay.rate"',
    "lr = space.log(1e-3, 400, 6), momentum = space.choice{ 0, .5, .9 }, "
      .. "decay = space.choice{ schedule.exponential{ rate = space.choice{ 0, .1 } }, schedule.cosine{ steps = 80 } }", [[
    local x, rng = tw.tensor{ -5, -2 }, run:rng("noise")
    local opt = tw.optim.sgd(x, { lr = p.lr * p.decay, momentum = p.momentum })
    for step = 1, 150 do
      local loss = opt:step(function(x) return .1 * x[1]^2 + 2 * x[2]^2 + .01 * (rng:normal(2) * x):sum() end)
      run:log{ loss = loss, x = x, lr = opt:hyper().lr, step_norm = opt:info().step_norm }
      run:stop_if(tw.lt(loss, 1e-3), "small")
      if step % 40 == 0 then run:log("eval", { distance = x:norm() }) end
    end
    run:result{ x1 = x[1], steps = 150 }]])
  same_at_every_width(file, 54)
  local _, out = shell.sh([[/usr/bin/env "$T" ls valley-4.h5]])
  for _, status in ipairs { "done", "stopped", "diverged" } do test.ok(out:find(status, 1, true), "some runs are " .. status .. ":\n" .. out) end
end)

test("seeds in lanes: data, split, scale, starting weights and batches of each run's own", function()
  local file = script("seeds", '"lr", "seed"', "lr = space.choice{ .05, .1, .2 }", [[
    local model = tw.nn.mlp{ 3, 4, 2, activation = "tanh" }
    local params, data = model:init(run:rng("init")), run:rng("data")
    local opt = tw.optim.adam(params, { lr = p.lr })
    local batches = tw.data.batches{ n = 20, size = 5, rng = run:rng("batches") }
    local all = { n = 25, x = data:normal(25, 3), y = data:randint(1, 2, 25) }
    local train, test = tw.data.standardize(tw.data.split(all, { .8, .2 }, run:rng("split")))
    for step = 1, 12 do
      local loss = opt:step(function(q, i) return tw.cross_entropy(model(q, train.x[i]), train.y[i]) end, batches())
      run:log{ loss = loss, grad_norm = opt:info().grad_norm }
    end
    run:result{ accuracy = model(params, test.x):argmax(2):eq(test.y):to("f64"):mean() }]], "repeats = 4, dtype = \"f32\",")
  same_at_every_width(file, 12)
end)

test("an optimizer's hyperparameters inside a recipe", function()
  local file = script("recipe", '"opt.lr", "opt.beta1"',
    "opt = space.choice{ tw.optim.adam{ lr = space.log(1e-3, 1, 4), beta1 = space.choice{ .5, .9 } }, tw.optim.sgd{ lr = space.choice{ .01, .1 } } }", [[
    local x = tw.tensor{ 3, 4 }
    local opt = p.opt:new(x)
    for step = 1, 30 do run:log{ loss = opt:step(function(x) return x:dot(x) end) } end]])
  same_at_every_width(file, 10)
end)

test("the number before a schedule, in a recipe", function()
  local rate = "lr = space.choice{ .01, .1, .3 } * schedule.cosine{ steps = 10 }"
  local file = script("before", '"opt.lr.factor"', ("opt = space.choice{ tw.optim.sgd{ %s }, tw.optim.adam{ %s } }"):format(rate, rate), [[
    local x = tw.tensor{ 3, 4 }
    local opt = p.opt:new(x)
    for step = 1, 12 do run:log{ loss = opt:step(function(x) return x:dot(x) end), lr = opt:hyper().lr } end]])
  same_at_every_width(file, 6)
end)

test("methods that evaluate the function themselves: searches of different lengths, regions, singular systems, runs that stop", function()
  local loss = [[
    local noise, x = run:rng("noise"), run:rng("init"):uniform(2, { low = -1.5, high = 1.5 })
    local opt = p.opt:new(x)
    local function f(x)
      local miss = tw.stack({ 10 * (x[2] - x[1]^2), 1 - x[1] }) + .01 * noise:normal(2)
      if p.squares then return miss end
      return miss:dot(miss) * .5 + p.wall * tw.log(2 - x[1])
    end
    for step = 1, 15 do
      local value = opt:step(f)
      if p.squares then value = (f(x)^2):sum() end
      local info = opt:info()
      run:log{ loss = value, x = x, grad_norm = info.grad_norm, step_norm = info.step_norm, evaluations = info.evaluations }
      if step > 2 then run:stop_if(info.stopped, "stopped by itself") end
    end
    run:result{ last = x[1] }]]
  local file = script("searching", '"seed", "wall", "opt.lr", "opt.radius", "opt.damping", "opt.c1"', [[
    wall = space.choice{ 0, .5 }, squares = false, opt = space.choice{
      tw.optim.gd{ line_search = "strong_wolfe", c1 = space.choice{ 1e-4, .1 } },
      tw.optim.newton{ lr = space.choice{ .5, 1 }, damping = space.choice{ 0, 1 } },
      tw.optim.newton{ line_search = "backtracking", tol_grad = 1e-6 },
      tw.optim.bfgs{ lr = space.choice{ .5, 1 } }, tw.optim.lbfgs{ line_search = "hager_zhang", history = 4 },
      tw.optim.conjugate_gradient{ beta = "HZ" }, tw.optim.trust_region{ radius = space.choice{ .1, 2 } },
      tw.optim.trust_region{ method = "dogleg", radius = space.choice{ .1, 2 } } }]], loss, "repeats = 3,")
  same_at_every_width(file, 90)
  local squares = script("squares", '"seed", "opt.lambda", "opt.lr"', [[
    squares = true, wall = 0, opt = space.choice{ tw.optim.levenberg_marquardt{ lambda = space.choice{ 0, 1e-3, 10 } },
      tw.optim.levenberg_marquardt{ rule = "marquardt", scaling = "identity" }, tw.optim.gauss_newton{ lr = space.choice{ .5, 1 } } }]], loss, "repeats = 4,")
  same_at_every_width(squares, 24)
end)

test("a search's failing number is one run's own: the group is done again one by one", function()
  local file = script("narrow", '"opt.c1"', "opt = tw.optim.bfgs{ c1 = space.choice{ 1e-4, .1, .3 }, c2 = .2 }", [[
    local x = tw.tensor{ 3, 4 }
    local opt = p.opt:new(x)
    for step = 1, 5 do run:log{ loss = opt:step(function(x) return (x * x):sum() + x[1]^4 end) } end]])
  same_at_every_width(file, 2, 1)
  local out = expect(0, "ls narrow-4.h5")
  test.ok(out:find("needs c1 < c2", 1, true), out)
end)

test("a reason that differs is no one's: the runs are done one by one, and each stops at its own", function()
  local file = script("reasons", '"seed"', "lr = 1", [[
    local x = run:rng("init"):uniform(2, { low = -1.5, high = 1.5 })
    local opt = tw.optim.newton(x, { line_search = "backtracking", tol_grad = 1e-4, absolute = true })
    for step = 1, 40 do
      run:log{ loss = opt:step(function(x) return 100 * (x[2] - x[1]^2)^2 + (1 - x[1])^2 end) }
      if opt:info().reason ~= "" then return end
    end]], "repeats = 5,")
  same_at_every_width(file, 5)
  local lengths = {}
  shell.write("reasons_of.lua", [[
local tw = require "thalweg"
for one in tw.open("reasons-4.h5"):runs() do print(#(one:trace "loss")) end]])
  for line in expect(0, "lua reasons_of.lua"):gmatch("%S+") do lengths[line] = true end
  local n = 0
  for _ in next, lengths do n = n + 1 end
  test.ok(n > 1, "the runs take as many steps each")
end)

test("a run that fails is done again alone, and fails there", function()
  local file = script("failing", '"lr"', "lr = space.choice{ .1, .2, .3 }, bad = space.choice{ false, true }", [[
    local x = tw.tensor{ 3, 4 }
    for step = 1, 5 do
      run:log{ loss = p.lr * (x * x):sum() * step }
      if p.bad and step == 3 then error("no way on") end
    end]])
  same_at_every_width(file, 3, 1) -- those that have a result
  local out = expect(0, "ls failing-4.h5")
  test.ok(out:find("no way on", 1, true), out)
end)

test("a worker that dies in a pass: its runs are done again one by one", function()
  local file = script("dying", '"lr"', "lr = space.choice{ .1, .2, .3, .4 }", [[
    for step = 1, 5 do run:log{ loss = p.lr * step } end
    if run.params.lr.shape and tw.gt(p.lr, 0):all() and io.open("die") then os.remove("die") os.exit(7) end]])
  shell.sh("touch die")
  expect(0, "run " .. file .. " --lanes 4 -j 1 -o dying.h5")
  expect(0, "run " .. file .. " --lanes 1 -j 1 -o alone.h5")
  test.eq(expect(0, "diff dying.h5 alone.h5"), "no differences in 4 runs\n")
end)

-- The beginning of a body that knows how many times it has run.
local function counted(name)
  return ([[
    local file = io.open("%s.count", "a+")
    file:write("x")
    file:seek("set")
    local times = #file:read("a")
    file:close()
    ]]):format(name)
end

test("a run that depends on more than its parameters is found out: lanes are off, and it says so", function()
  local file = script("impure", '"lr"', "lr = space.choice{ .1, .2, .3 }", counted("impure") .. "for step = 1, 3 do run:log{ loss = p.lr * times } end")
  local _, err = expect(0, "run " .. file .. " -j 1")
  test.ok(err:find("lanes are off, runs are done one by one: lanes: row 1 differs", 1, true), err)
end)

test("what a method cannot take in lanes is done in runs of their own", function()
  local file = script("shapes", '"lr", "every", "period"', "lr = space.choice{ .1, .2 }, every = space.choice{ 1, 3 }, period = space.choice{ 2, 5 }", [[
    local x, y = tw.tensor{ 3, -2 }, tw.tensor{ 1, 2 }
    local opt = tw.optim.sgd(x, { lr = p.lr, accumulate = p.every })
    local terms = tw.optim.svrg(y, { lr = p.lr, n = 4, period = p.period })
    for step = 1, 12 do
      local loss = opt:step(function(x) return x:dot(x) end)
      terms:step(function(y, i) return (y:unsqueeze(1) - i:to("f64"):reshape(-1, 1)):square():mean() end, tw.tensor({ step % 4 + 1 }, { dtype = "i64" }))
      run:log{ loss = loss, x = x, y = y }
    end]])
  local said = same_at_every_width(file, 8)
  test.ok(not said[1]:find("lanes are off", 1, true), said[1])
  local why = "sgd: accumulate must be the same in all runs computed together; take it off the list of lanes"
  test.ok(said[4]:find("lanes are off, runs are done one by one: ", 1, true) and said[4]:find(why, 1, true), said[4])
end)

test("one NaN is as good as another: whose sign it has does not turn lanes off", function()
  local file = script("signs", '"lr"', "lr = space.choice{ .1, .2, .3 }", counted("signs") .. [[
    local nan = math.abs(0 / 0)
    if times % 2 == 1 then nan = -nan end
    run:log{ number = nan, tensor = tw.tensor { 1, nan } + 0 * p.lr }]])
  local _, err = expect(0, "run " .. file .. " -j 1")
  test.ok(not err:find("lanes are off", 1, true), err)
end)

test("a first run that diverges is found out in lanes as it is alone", function()
  local file = script("first", '"lr"', "lr = space.choice{ 50, .1, 40, .05 }", [[
    local x = tw.tensor{ 1, 2 }
    local opt = tw.optim.sgd(x, { lr = p.lr })
    for step = 1, 300 do run:log{ loss = opt:step(function(x) return x:dot(x) end) } end]])
  for _, said in ipairs(same_at_every_width(file, 4)) do test.ok(not said:find("lanes are off", 1, true), said) end
end)

test("the pass that is compared leaves nothing behind for the one beside it", function()
  local file = script("counting", '"lr"', "lr = space.choice{ .1, .2, .3 }", [[
    calls = calls + 1
    for step = 1, 3 do run:log{ loss = p.lr * calls } end]])
  shell.write(file, (shell.read(file):gsub("return tw", "local calls = 0\nreturn tw", 1)))
  for _, said in ipairs(same_at_every_width(file, 3)) do test.ok(not said:find("lanes are off", 1, true), said) end
end)

test("a run that takes its worker along each time: crashed, at the attempt it was made in", function()
  local file = script("deadly", '"lr"', "lr = space.choice{ .5, .1, .2 }", [[
    for step = 1, 5 do run:log{ loss = p.lr * step } end
    run:stop_if(tw.lt(p.lr, .4), "small")
    os.exit(3)]])
  expect(1, "run " .. file .. " --lanes 3 -j 1 -o deadly.h5")
  expect(1, "run " .. file .. " --lanes 1 -j 1 -o deadly-1.h5")
  test.eq(expect(0, "diff deadly.h5 deadly-1.h5"), "no differences in 2 runs\n")
  shell.write("attempts.lua", [[
local sweep = require("thalweg.record").load("deadly.h5")
local statuses = sweep:statuses()
for i, id in ipairs(sweep:order()) do print(statuses[id], sweep:row(i).attempt) end]])
  test.eq(expect(0, "lua attempts.lua"), "crashed\t2\nstopped\t2\nstopped\t2\n")
end)

test("what needs one number names the parameter and the two ways out, alone and together", function()
  for code, wants in next, {
    ["local x = math.exp(p.lr)"] = 'the parameter "lr", which differs between the runs computed together',
    ["if p.lr < .1 then return end"] = 'the parameter "lr" differs between the runs computed together (lanes); use tw.where(...), or take "lr" off',
    ["local x = p.lr:item()"] = 'the parameter "lr" differs',
    ["print(p.lr)"] = 'the parameter "lr" differs',
    ["local x = tw.zeros(p.lr)"] = 'a size: the parameter "lr" differs',
    ["local x = tw.zeros{ 2, p.lr }"] = 'a size: the parameter "lr" differs',
    ["local x = tw.ones(3):reshape(p.lr, 1)"] = 'a size: the parameter "lr" differs',
    ["local x = run:rng('a'):normal(p.lr)"] = 'a size: the parameter "lr" differs',
    ["run:stop_if(tw.gt(tw.ones(3) * p.lr, 1))"] = "run:stop_if: the condition must be true, false or a 0-d tensor: it has 1 axes",
    ["local x = run.id"] = "run.id: it differs between the runs computed together",
    ["local x = math.random()"] = "math.random: the seed differs between the runs computed together",
  } do
    local file = script("needs", '"lr", "seed"', "lr = space.choice{ .01, .1 }", code .. " run:log{ loss = 1 }")
    for _, width in ipairs { 1, 2 } do
      local _, err = expect(1, ("run %s --fresh --lanes %d"):format(file, width))
      test.ok(err:find(wants, 1, true), code .. ": " .. err)
    end
  end
end)

test("what Lua would decide about a lane in silence is refused when the script is loaded", function()
  local before = [[
local helper = {}
function helper.factor(q, name) if q[name or "x"] or q.lr == 0.1 then return 10 end return 1 end
local function is_small(x) return x ~= 1 end
local to_integer = math.tointeger
]]
  for code, wants in next, {
    ["if p.lr == 0.1 then return end"] = "== and ~= never hold or always do",
    ["if .1 ~= p.lr then return end"] = "== and ~= never hold or always do",
    ["local base = 2 * p.lr - 1 if base == 0 then return end"] = "== and ~= never hold or always do",
    ["local f = function(x) return x == 3 end f(-p.lr)"] = "== and ~= never hold or always do",
    ["helper.factor(p)"] = "== and ~= never hold or always do",
    ["return is_small(p.lr)"] = "== and ~= never hold or always do",
    ["local x = p.lr & 1"] = "&, | and ~ combine truths",
    ["local x = ~p.lr"] = "&, | and ~ combine truths",
    ["local x = math.tointeger(p.lr) or 10"] = "math.tointeger gives nil for it",
    ["local x = to_integer(p.lr)"] = "math.tointeger gives nil for it",
    ["local x = math.type(p.lr)"] = "math.type gives nil for it",
    ["local x = tonumber(p.lr)"] = "tonumber gives nil for it",
    ["local opt = run.opt repeat local x = 1 until opt:info().stopped"] = "run:stop_if(opt:info().stopped)",
    ["local opt = run.opt local info = opt:info() if not info.stopped then return end"] = "run:stop_if(opt:info().stopped)",
  } do
    local file = script("decided", '"lr"', "lr = space.choice{ .01, .1 }", code .. (code:find("^return") and "" or " run:log{ loss = 1 }"))
    shell.write(file, before .. shell.read(file))
    local _, err = expect(2, "run " .. file)
    local line = (code:find("helper", 1, true) and 2 or code:find("is_small", 1, true) and 3 or 11)
    test.ok(err:find(wants, 1, true) and err:find(("%s:%d:"):format(file, line), 1, true), code .. ": " .. err)
  end
end)

test("what decides the same for a lane and a plain number is not refused", function()
  expect(0, "run " .. script("undecided", '"lr"', "lr = space.choice{ .01, .1 }, mode = 1", [[
    local x = p.mode == 1 and p.lr or 0.1
    if p.lr and p.lr ~= nil and not (p.lr == "auto") and run.params then x = x * 2 end
    local model = { params = { lr = 0.1 }, info = function() return { stopped = true } end }
    if model.params.lr == 0.1 and model:info().stopped then x = x + 0 end
    local function is_zero(v) return type(v) == "number" and v == 0 end
    if is_zero(p.lr) then x = 0 end
    local y = p.mode & 1
    x = x * (x == nil and 2 or y)
    run:log{ loss = x }]]))
end)

-- The fault of one run, and what the script does about it.
test("what a script's pcall catches in one run happens to that run alone", function()
  for name, body in next, {
    jitter = [[
    local x = tw.linspace(0, 1, 20):reshape(-1, 1)
    local K = tw.exp(-0.5 * ((x - x:t()) / 5) ^ 2) + p.noise * tw.eye(20)
    local ok, L = pcall(tw.linalg.cholesky, K)
    if not ok then L = tw.linalg.cholesky(K + 1e-3 * tw.eye(20)) end
    run:log{ loss = tw.log(L:mul(tw.eye(20)):sum(1)):sum() }]],
    later = [[
    for step = 1, 6 do
      local a = tw.tensor{ { 1, .5 }, { .5, 1 } } * (p.noise - .02 * step)
      local solved = coroutine.wrap(function() return select(2, xpcall(tw.linalg.cholesky, function() return tw.eye(2) end, a)) end)()
      run:log{ loss = solved:sum() }
      run:stop_if(tw.gt(p.noise, .4), "large")
    end]],
    wide = [[
    local ok, y = pcall(function() return tw.tensor{ 1, 2, 3 }[tw.tensor{ p.noise * 10 }:to("i64")] end)
    run:result{ y = ok and y:sum() or -1 }]],
  } do
    same_at_every_width(script(name, '"noise"', "noise = space.choice{ 1e-2, .1, .5, .3, .2, 0 }", body), 6)
  end
end)

test("a run's log holds what was written until it ended", function()
  local file = script("prints", '"a"', "a = space.choice{ 4, 6, 20 }", [[
    for step = 1, 8 do
      print("step", step)
      run:log{ loss = p.a - step }
      run:stop_if(tw.lt(p.a, step + 1), "small")
    end
    print "end"]])
  local ids, said = {}, {}
  for id, text in expect(0, "run " .. file .. " --dry-run"):gmatch("(%x+) .-(a=%d+)") do ids[text] = id end
  for i, flags in ipairs { "--lanes 1", "--lanes 3 -j 1" } do
    expect(0, ("run %s -o prints%d.h5 %s --quiet"):format(file, i, flags))
    said[i] = {}
    for _, text in ipairs { "a=4", "a=6", "a=20" } do
      local shown = expect(0, ("show prints%d.h5 %s"):format(i, ids[text]))
      said[i][text] = table.concat({ shown:find("step\t6", 1, true) and "6" or "", shown:find("step\t8", 1, true) and "8" or "",
        shown:find("\n%s*end\n") and "end" or "" }, " ")
    end
  end
  test.eq(said[1], { ["a=4"] = "  ", ["a=6"] = "6  ", ["a=20"] = "6 8 end" })
  test.eq(said[2], said[1])
end)

test("a lane where only one number for all runs will do is refused before anything runs", function()
  for name, case in next, {
    ["decay.size"] = { "decay = schedule.step{ size = space.choice{ 3, 4 } }", "step: wrong value: size is a number that differs" },
    ["decay.steps"] = { "decay = space.choice{ schedule.constant(1), schedule.cosine{ steps = space.choice{ 3, 4 } } }", "cosine: wrong value: steps is" },
    ["decay.up"] = { "decay = schedule.cyclic{ up = space.choice{ 3, 4 } }", "cyclic: wrong value: up is" },
    ["decay.period"] = { "decay = schedule.cosine_restarts{ period = space.choice{ 3, 4 }, mult = 2 }", "with mult it must be the same in all" },
    ["decay.milestones.1"] = { "decay = schedule.multistep{ milestones = { space.choice{ 3, 4 } } }", "multistep: wrong value: milestones is" },
    ["f.n"] = { "f = tw.problems.rosenbrock{ n = space.choice{ 2, 4 } }", "rosenbrock: wrong value: n is" },
  } do
    local file = script("shaping", ("%q"):format(name), case[1], "run:log{ loss = 1 }")
    for _, flags in ipairs { "", "--lanes 1", "--dry-run" } do
      local _, err = expect(2, ("run %s %s"):format(file, flags))
      local parameter = ('the parameter "%s" must be one number for all runs computed together'):format(name)
      for _, wants in ipairs { parameter, case[2], ('take "%s" off'):format(name) } do
        test.ok(err:find(wants, 1, true), err)
      end
    end
  end
  same_at_every_width(script("restarts", '"decay.period"', "decay = schedule.cosine_restarts{ period = space.choice{ 3, 4, 7 } }",
    "for t = 0, 12 do run:log{ loss = p.decay(t) } end"), 3)
end)

test("wrong lists of lanes", function()
  for lanes, wants in next, {
    ['"momentum"'] = "lanes: no parameter has this name: name is momentum; valid: decay.factor, decay.min, decay.steps, lr",
    ['"decay"'] = "decay is 0.1*cosine{min=0,steps=9}; numbers under it: decay.factor, decay.min, decay.steps",
    ['"lr", "lr"'] = "lanes: a name stands twice: name is lr",
    ['"mode"'] = 'lanes: only numbers can differ between runs computed together: mode is "a"',
    ["1"] = "lanes is a list of parameters: entry is 1",
  } do
    local params = 'lr = space.choice{ .01, .1 }, mode = "a", decay = .1 * schedule.cosine{ steps = 9 }'
    local _, err = expect(2, "run " .. script("wrong", lanes, params, "run:log{ loss = 1 }"))
    test.ok(err:find(wants, 1, true), err)
  end
end)

test("the file says how wide a run's pass was, and its share of the time", function()
  expect(0, "run valley.lua --lanes 9 -j 1 -o wide.h5")
  shell.write("wide.lua", [[
local tw = require "thalweg"
local widest, time = 0, 0
for one in tw.open("wide.h5"):runs() do time = time + one.wall_time end
print(time > 0 and time < 60)]])
  test.eq(expect(0, "lua wide.lua"), "true\n")
end)

test("where nobody says how many, runs share a pass that fits the cache, and sixteen do in any case unless they are large", function()
  local cache = require("thalweg.sys").cache() or 1 << 20
  for numbers, wants in pairs { [1000] = cache // 16000, [20000] = 16, [600000] = 1 } do -- each run holds a tensor and its double
    local file = script("wide" .. numbers, '"lr"', "lr = space.linear(0, 1, 200)",
      (([[
        io.open("passes", "a"):write(require "thalweg.core".lanes() or 1, "\n"):close()
        local x = tw.zeros(%d) + p.lr
        run:result { y = (2 * x):sum() }]]):format(numbers)))
    os.remove(shell.path("passes"))
    expect(0, ("run %s -j 1"):format(file))
    local passes, fewest, most_together = -1, math.huge, 0 -- the first run is also done alone, and compared with one of a pass of at least two
    for width in shell.read("passes"):gmatch("%d+") do
      passes, width = passes + 1, math.tointeger(tonumber(width))
      if passes > 0 then fewest, most_together = math.min(fewest, width), math.max(most_together, width) end
    end
    test.ok(wants == 1 or most_together - fewest <= 1, ("%d numbers: from %d to %d in a pass"):format(numbers, fewest, most_together))
    local least, most = math.ceil(198 / wants), math.ceil(200 / (wants * 0.9))
    test.ok(passes >= least and passes <= most, ("%d numbers: %d passes; %d to %d were expected of %d bytes"):format(numbers, passes, least, most, cache))
  end
end)

test.close()
