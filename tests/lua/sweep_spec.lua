-- Sweeps read in Lua: views, selections, traces and the statistics over runs, against numbers known from how the runs were made.
local test = require "spec"
local record = require "thalweg.record"
local sys = require "thalweg.sys"
local tw = require "thalweg"

local top = os.tmpname()
os.remove(top)
assert(sys.make_directories(top))
local uuid = "01234567-89ab-cdef-0123-456789abcdef"

-- Gradient descent on a x^2 / 2: loss is (1 - lr)^(2t) x0^2 with x0 = rep. The vector metric is { x, t }; eval is logged at steps 2, 5, 8.
-- lr 0.5 with the schedule "exponential" stops after five rows, its third repeat fails after two.
local journal = top .. "/descent.h5.d"
assert(sys.make_directories(journal))

local runs, order = {}, {}
for _, lr in ipairs { 0.5, 0.25, 0.125 } do
  for _, decay in ipairs { "constant", "exponential" } do
    for rep = 1, 3 do
      local rate = decay == "exponential" and 0.5 or nil
      local values = { { "decay", decay }, { "lr", lr } }
      if rate then table.insert(values, 2, { "decay_rate", rate, nested = true }) end
      runs[#runs + 1] = {
        id = 0x2000 + #runs, seed = 100 + rep, rep = rep, values = values, lr = lr, rate = rate,
        text = ("decay=%s lr=%g"):format(rate and "exponential{rate=0.5}" or "constant{value=1}", lr),
      }
      order[#order + 1] = runs[#runs].id
    end
  end
end
record.plan_append(journal, {
  uuid = uuid, order = order, runs = runs,
  meta = { name = "descent", about = "a test", root_seed = "0", objective_metric = "loss", objective_goal = "min", objective_at = "final" },
})
local book = record.logbook(journal, 1, { uuid = uuid, sync = 0 })
for _, one in ipairs(runs) do
  local x = one.rep
  local short = one.lr == 0.5 and one.rate
  local failed = short and one.rep == 3
  book:begin(one.id, 1, one.seed, { diverge = { "loss" }, lanes = 1 })
  for t = 0, failed and 1 or short and 4 or 9 do
    book:log{ loss = x * x, x = tw.tensor{ x, t } }
    if t % 3 == 2 then book:log("eval", { score = t }) end
    x = x - one.lr * x
  end
  if not failed then book:result{ distance = x } end
  book:finish(failed and "failed" or short and "stopped" or "done", failed and "it broke" or "", 0.5, 0.5)
end
book:close()

local packed = top .. "/packed.h5"
assert(record.pack(assert(record.load(journal)), packed, { complete = true }))

-- Each test sees the sweep from its journals and from its file.
local function both(name, f)
  test(name .. " (journals)", function() f(tw.open(journal)) end)
  test(name .. " (file)", function() f(tw.open(packed)) end)
end

both("a sweep tells what it holds", function(sweep)
  test.eq(#sweep, 18)
  test.eq(sweep.name, "descent")
  test.eq(sweep.about, "a test")
  test.eq(sweep.metrics, { "loss", "x", "eval_score" })
  test.eq(sweep.parameters, { "decay", "decay.rate", "lr" })
  test.eq(sweep.results, { "distance" })
  test.eq(sweep.objective, { metric = "loss", goal = "min", at = "final" })
  test.eq(sweep.quick, false)
  test.eq(tostring(sweep), "sweep descent: 18 runs")
end)

both("runs come in plan order and know their parameters by either name", function(sweep)
  local ids = {}
  for one in sweep:runs() do ids[#ids + 1] = tonumber(one.id, 16) end
  test.eq(ids, order)
  local one = sweep:where{ lr = 0.25, decay = "exponential", rep = 2 }:runs()()
  test.eq({ one.status, one.ok, one.seed, one.rep, one.n_steps, one.message }, { "done", true, 102, 2, 10, "" })
  test.eq({ one.params.lr, one.params.decay, one.params["decay.rate"], one.params.decay_rate }, { 0.25, "exponential", 0.5, 0.5 })
  test.eq(sweep:runs()().params["decay.rate"], nil)
  test.raises("params: unknown parameter: rate; valid: decay, decay.rate, lr", function() return one.params.rate end)
  local failed = sweep:where{ status = "failed" }:runs()()
  test.eq({ failed.ok, failed.message, failed.n_steps }, { false, "it broke", 2 })
end)

both("a view and a run cannot be changed", function(sweep)
  test.raises("cannot be changed", function() sweep.name = "other" end)
  test.raises("cannot be changed", function() sweep:runs()().seed = 1 end)
  local metrics = sweep.metrics
  metrics[1] = "other"
  test.eq(sweep.metrics[1], "loss")
  local before = #sweep
  test.eq(#sweep:where{ lr = 0.5 }, 6)
  test.eq(#sweep, before)
end)

both("tables select: values, relations, lists, functions, schedules, and what every run has", function(sweep)
  local function count(wanted) return #sweep:where(wanted) end
  test.eq(count{ lr = 0.5 }, 6)
  test.eq(count{ lr = 0.5000000001 }, 0)
  test.eq(count{ lr = { "<", 0.5 } }, 12)
  test.eq(count{ lr = { ">=", 0.25 }, decay = "constant" }, 6)
  test.eq(count{ lr = { 0.5, 0.125 } }, 12)
  test.eq(count{ lr = function(v) return v * 8 == 1 end }, 6)
  test.eq(count{ ["decay.rate"] = 0.5 }, 9)
  test.eq(count{ decay_rate = { "~=", 0.5 } }, 0)
  test.eq(count{ decay = tw.schedule.exponential{ rate = 0.5 } }, 9)
  test.eq(count{ decay = tw.schedule.exponential{ rate = 0.25 } }, 0)
  test.eq(count{ status = { "stopped", "failed" } }, 3)
  test.eq(count{ ok = false }, 1)
  test.eq(count{ seed = 102, rep = 2 }, 6)
  test.eq(count(function(one) return one:final("loss") > 1 end), 1) -- the failed run has 2.25; the next is (7/8)^18 9 = .81
end)

both("expressions select like --only", function(sweep)
  test.eq(#sweep:where "lr < 0.5 and decay == 'constant'", 6)
  test.eq(#sweep:where "decay.rate > 0.1 or rep == 1", 12)
  test.eq(#sweep:where "not ok", 1)
  test.eq(#sweep:where("lr == 0.25"):where("rep == 3"), 2)
  test.raises("where: unknown parameter: rl; did you mean lr?", sweep.where, sweep, "rl < 1")
  test.raises("where: a value is missing at column 5", sweep.where, sweep, "lr <")
end)

both("a wrong selection is answered", function(sweep)
  test.raises("where: unknown parameter: momentum; valid: config, decay, decay.rate, id, lr, ok, rep, seed, status", sweep.where, sweep, { momentum = 1 })
  test.raises('where: wrong type: lr is "0.5"; in this sweep it is a number', sweep.where, sweep, { lr = "0.5" })
  test.raises("where: wrong type: lr is true", sweep.where, sweep, { lr = { "<", true } })
  test.raises("without entries", sweep.where, sweep, { lr = {} })
  test.raises("a table, an expression or a function", sweep.where, sweep, 3)
end)

both("traces hold values and steps, of vectors arrays", function(sweep)
  local one = sweep:where{ lr = 0.5, decay = "constant", rep = 2 }
  local values, steps = one:trace("loss")
  test.eq({ #values, values[1], values[3], steps[1], steps[10] }, { 10, 4.0, 0.25, 0, 9 })
  local x = one:trace("x")
  test.eq({ x[2][1], x[2][2] }, { 1.0, 1.0 })
  local scores, at = one:trace("eval_score")
  test.eq({ scores, at }, { { 2.0, 5.0, 8.0 }, { 2, 5, 8 } })
  test.eq(#sweep:where{ status = "failed" }:trace("eval_score"), 0)
end)

both("one run is needed where one is meant, and the message says how to get there", function(sweep)
  test.raises("trace: one run is needed: there are 6 after where{lr=0.5}; narrow with :where, decay is constant, exponential; rep is 1, 2, 3",
    sweep.where(sweep, { lr = 0.5 }).trace, sweep:where{ lr = 0.5 }, "loss")
  test.raises("or take :values or :median", sweep.final, sweep, "loss")
  local none = sweep:where{ lr = 0.7 }
  test.raises("final: no run is left after where{lr=0.7}", none.final, none, "loss")
  test.raises("median: no run is left after where{lr=0.7}", none.median, none, "loss")
  test.raises("unknown metric: los; did you mean loss?", sweep.trace, sweep, "los")
end)

both("a run's final, smallest, largest value, where, at a step, and its result", function(sweep)
  local one = sweep:where{ lr = 0.5, decay = "constant", rep = 1 }:runs()()
  test.eq({ one:final("loss"), one:min("loss"), one:max("loss"), one:argmin("loss") }, { 0.25 ^ 9, 0.25 ^ 9, 1.0, 9 })
  test.eq({ one:at("loss", 3), one:at("eval_score", 5), one:result("distance") }, { 0.25 ^ 3, 5.0, 0.5 ^ 10 })
  test.eq(one:final("x"), { 0.5 ^ 9, 9.0 })
  test.eq(one:at("x", 1), { 0.5, 1.0 })
  test.eq(one:at("x", 10), nil)
  local missing = one:at("eval_score", 4)
  test.ok(missing ~= missing, "no row at step 4")
  test.raises('one number per step is needed: x has the shape [2]; name an element, "x[1]"', one.min, one, "x")
  local failed = sweep:where{ ok = false }:runs()()
  test.eq(failed:argmin("eval_score"), nil)
  local v = failed:result("distance")
  test.ok(v ~= v, "it gave no result")
  test.raises("unknown result: dist", one.result, one, "dist")
end)

both("an element of a metric with axes is a metric", function(sweep)
  local one = sweep:where{ lr = 0.5, decay = "constant", rep = 2 }:runs()()
  test.eq({ one:final("x[1]"), one:final("x[2]"), one:min("x[1]"), one:max("x[1]"), one:argmin("x[1]") }, { 2 ^ -8, 9.0, 2 ^ -8, 2.0, 9 })
  test.eq({ one:at("x[1]", 1), one:steps_to("x[1]", 1), one:trace("x[2]")[10] }, { 1.0, 2, 9.0 })
  local three = sweep:where{ lr = 0.5, decay = "constant" }
  test.eq(three:values("x[1]", { at = "max" }), { 1.0, 2.0, 3.0 })
  test.eq(three:across("x[1]", "mean")[2], 1.0)
  test.near((three:where{ rep = 1 }:fit_slope("x[2]", "x[1]", { logy = true })), math.log(0.5), 1e-14)
  test.eq(#sweep.metrics, 3)
  test.raises("x[3]: no such element: x has the shape [2]", one.final, one, "x[3]")
  test.raises("x[1,1]: no such element", function() one:final("x[1,1]") end)
  test.raises("unknown metric: loss[1]", one.final, one, "loss[1]")
end)

both("the first step below a threshold, or infinity", function(sweep)
  local one = sweep:where{ lr = 0.5, decay = "constant", rep = 1 }
  test.eq(one:steps_to("loss", 0.1), 2)
  test.eq(one:steps_to("loss", 0.25), 2)
  test.eq(one:steps_to("loss", 0.25, "<="), 1)
  test.eq(one:steps_to("loss", 1e-9), math.huge)
  test.eq(one:steps_to("eval_score", 4, ">"), 5)
  test.raises("unknown relation: ==", one.steps_to, one, "loss", 1, "==")
end)

both("one number per run in plan order, and statistics of them", function(sweep)
  local three = sweep:where{ lr = 0.5, decay = "constant" }
  test.eq(three:values("loss", { at = 1 }), { 0.25, 1.0, 2.25 })
  test.eq(three:values("loss", { at = "max" }), { 1.0, 4.0, 9.0 })
  test.eq(three:values("loss", { at = "argmin" }), { 9, 9, 9 })
  test.eq(three:values("distance"), { 2 ^ -10, 2 * 2 ^ -10, 3 * 2 ^ -10 })
  test.eq(three:values(function(one) return one.rep * 10 end), { 10, 20, 30 })
  test.eq(three:mean("loss", { at = "max" }), 14 / 3)
  test.eq(three:median("loss", { at = "max" }), 4.0)
  test.eq(three:quantile("loss", 0.25, { at = "max" }), 2.5)
  test.near(three:sd("loss", { at = "max" }), math.sqrt(49 / 3), 1e-15 * 8)
  test.near(three:var("loss", { at = "max" }), 49 / 3, 1e-14)
  test.near(three:se("loss", { at = "max" }), 7 / 3, 1e-15 * 4)
  test.eq(three:min("loss", { at = "max" }), 1.0)
  test.eq(three:max("loss", { at = "max" }), 9.0)
  local all = sweep:mean("distance")
  test.ok(all ~= all, "the failed run has no result: the mean is NaN")
  test.ok(sweep:ok():mean("distance") > 0)
  test.raises("mean: no run has logged loss at step 100", sweep.mean, sweep, "loss", { at = 100 })
  local late = sweep:where{ lr = 0.5, rep = 1 }:values("loss", { at = 9 })
  test.ok(late[1] == 0.25 ^ 9 and late[2] ~= late[2], "the shorter run has nothing at step 9")
  test.raises("unknown metric or result: lss; did you mean loss? valid: loss, x, eval_score, distance", sweep.mean, sweep, "lss")
  test.raises("unknown option: when; valid: at, result", sweep.mean, sweep, "loss", { when = 3 })
  test.raises("wrong value: at is \"last\"", sweep.mean, sweep, "loss", { at = "last" })
  test.raises("unknown result: loss; valid: distance", sweep.values, sweep, "loss", { result = true })
  test.raises("the function must return a number", sweep.values, sweep, function() return "x" end)
end)

both("groups: numbers ascending, the rest in plan order, what is absent last", function(sweep)
  local seen = {}
  for i, group in ipairs(sweep:group_by("lr")) do
    local lr, part = table.unpack(group)
    test.eq(part, group.sweep)
    seen[i] = { lr, #part, group.keys.lr }
  end
  test.eq(seen, { { 0.125, 6, 0.125 }, { 0.25, 6, 0.25 }, { 0.5, 6, 0.5 } })
  seen = {}
  for i, group in ipairs(sweep:group_by("decay", "lr")) do seen[i] = group[1] .. " " .. group[2] .. " " .. #group[3] end
  test.eq(seen, { "constant 0.125 3", "constant 0.25 3", "constant 0.5 3", "exponential 0.125 3", "exponential 0.25 3", "exponential 0.5 3" })
  local rates = sweep:group_by("decay.rate")
  test.eq({ rates[1][1], #rates[1][2], rates[2][1], #rates[2][2], rates[2].keys["decay.rate"] }, { 0.5, 9, false, 9 })
  test.eq(#sweep:group_by("config"), 6)
  test.raises("unknown parameter: lrr", sweep.group_by, sweep, "lrr")
  test.raises("a parameter is needed", sweep.group_by, sweep)
end)

both("the best configuration is that of thalweg best", function(sweep)
  local best = sweep:best()
  test.eq({ #best, best:runs()().params.lr, best:runs()().params.decay }, { 3, 0.5, "constant" })
  test.eq(sweep:best{ goal = "max" }:runs()().params.lr, 0.125)
  test.eq(sweep:where{ lr = { "<", 0.5 } }:best():runs()().params.lr, 0.25)
  local failed = sweep:where{ status = "failed" }
  test.raises("best: no run has a result with loss after where{status=failed}", failed.best, failed)
end)

both("a statistic at every step", function(sweep)
  local three = sweep:where{ lr = 0.5, decay = "constant" }
  local mean, steps = three:across("loss", "mean")
  test.eq({ #mean, mean[1], mean[2], steps[10] }, { 10, 14 / 3, 14 / 12, 9 })
  test.eq(three:across("loss", "median")[3], 4 * 0.25 ^ 2)
  test.eq(three:across("loss", function(v) return #v end)[1], 3)
  local with_short = sweep:where{ lr = 0.5, rep = 1 }:across("loss", "mean")
  test.eq(with_short[5], 0.25 ^ 4)
  test.ok(with_short[6] ~= with_short[6], "one of the two runs has ended")
  test.raises("unknown statistic: average", three.across, three, "loss", "average")
end)

both("slopes: along steps, against a metric, over groups", function(sweep)
  local one = sweep:where{ lr = 0.5, decay = "constant", rep = 2 }
  local slope, intercept, se, n = one:fit_slope("step", "loss", { logy = true })
  test.near(slope, 2 * math.log(0.5), 1e-14)
  test.near(intercept, 2 * math.log(2), 1e-14)
  test.near(se, 0, 1e-14)
  test.eq(n, 10)
  test.eq(select(4, one:fit_slope("step", "loss", { from = 2, to = 5 })), 4)
  test.near((one:fit_slope("loss", "loss", { logx = true, logy = true })), 1, 1e-14)
  test.eq(select(4, one:fit_slope("eval_score", "loss", {})), 3)
  -- ln of the largest loss, (rep)^2, at three learning rates: the same for all.
  test.near((sweep:fit_slope("lr", "loss", { at = "max", logx = true, logy = true })), 0, 1e-15)
  -- ln |x| at the end of the constant schedule, 10 ln(1 - lr) + ln rep, fitted against lr through three points by hand.
  local x, y = { 0.125, 0.25, 0.5 }, {}
  for i, lr in ipairs(x) do y[i] = 10 * math.log(1 - lr) + math.log(2) end
  test.near((sweep:where{ decay = "constant" }:fit_slope("lr", "distance", { logy = true })), tw.stats.linear_fit(x, y).slope, 1e-12)
  test.near((sweep:where{ decay = "constant" }:fit_slope("lr", function(r) return r.params.lr * 3 end)), 3, 1e-14)
  local mean_slope = sweep:where{ lr = 0.25, decay = "constant" }:fit_slope("step", "loss", { logy = true, over = "mean" })
  test.near(mean_slope, 2 * math.log(0.75), 1e-14)
  test.raises("a logarithm needs numbers above 0: x is 0 at point 1", one.fit_slope, one, "step", "loss", { logx = true })
  test.raises("fit_slope: unknown x: stp; did you mean step?", one.fit_slope, one, "stp", "loss")
  test.raises("decay is \"constant\"", sweep.fit_slope, sweep, "decay", "loss")
end)

both("intervals and comparisons over seeds", function(sweep)
  local three = sweep:where{ lr = 0.5, decay = "constant" }
  local lo, hi, mean = three:ci("loss", { at = "max", level = 0.9 })
  local want_lo, want_hi = tw.stats.ci({ 1, 4, 9 }, { level = 0.9 })
  test.eq({ lo, hi, mean }, { want_lo, want_hi, 14 / 3 })
  local other = sweep:where{ lr = 0.25, decay = "constant" }
  local c = three:compare(other, "loss", { at = 1 })
  -- loss after one step: (1/4, 1, 9/4) against 9/16 of (1, 4, 9): differences -5/16 (1, 4, 9).
  test.eq({ c.difference, c.n, c.wins, c.losses, c.unpaired, c.sign_p }, { -5 / 16 * 14 / 3, 3, 0, 3, 0, 0.25 })
  test.near(c.se, 5 / 16 * 7 / 3, 1e-15)
  test.near(c.t, -2, 1e-14)
  test.eq(three:compare(other:where{ rep = { 1, 3 } }, "loss").unpaired, 1)
  test.raises("one run per seed is needed: seed 1 has several after where{lr=0.5}", three.compare, sweep:where{ lr = 0.5 }, three, "loss")
  test.raises("two seeds that both have are needed: there is 1", three.compare, three, other:where{ rep = 1 }, "loss")
  test.raises("another sweep is needed", three.compare, three, "loss")
end)

test("several sources are merged, and what is not there is refused", function()
  test.eq(#tw.open(packed, journal), 18)
  test.raises("open: there is no such file: " .. top .. "/none.h5", tw.open, top .. "/none.h5")
  test.raises("open: a path is needed", tw.open, 3)
  local bad = io.open(top .. "/bad.h5", "w")
  bad:write("no sweep")
  bad:close()
  test.raises("bad.h5", tw.open, top .. "/bad.h5")
end)

test("a sweep restricted to the runs of a plan keeps that plan's order", function()
  local of = require("thalweg.sweep").of
  local some = of(assert(record.load(packed)), { ids = { order[5], order[2] } })
  local reps = {}
  for one in some:runs() do reps[#reps + 1] = one.rep end
  test.eq(reps, { 2, 2 })
  test.eq(some:runs()().id, ("%014x"):format(order[5]))
end)

os.execute("rm -rf '" .. top .. "'")
test.close()
