-- Statistics over the runs of a view: of a metric's value in each run, of groups, of traces. What stands for a run is chosen in `chosen`; the statistics
-- themselves are tw.stats.
local core = require "thalweg.core"
local fault = require "thalweg.fault"
local names = require "thalweg.names"
local options = require "thalweg.options"
local recorded = require "thalweg.sweep.recorded"
local source = require "thalweg.sweep.source"
local stats = require "thalweg.stats"
local view = require "thalweg.sweep.view"

local Sweep = view.class
local nan = -(0 / 0)

local at_words = { final = true, min = true, max = true, argmin = true }

local function check_at(what, at)
  if at_words[at] or math.tointeger(at) then return end
  fault.raise("%s: wrong value: at is %s; valid: final, min, max, argmin, or a step", what, options.show(at))
end

-- Is this name a metric's or a result's? Metrics come first; { result = true } asks for a result.
local function kind_of(s, m, wants_result, what)
  if not wants_result and source.find(s, m) then return "metric" end
  if type(m) == "string" and s.results[m] then return "result" end
  local valid = wants_result and {} or table.move(s.metrics, 1, #s.metrics, 1, {})
  table.move(s.result_names, 1, #s.result_names, #valid + 1, valid)
  fault.raise("%s: unknown %s: %s; %s", what, wants_result and "result" or "metric or result", tostring(m), names.hint(m, valid))
end

-- One number per run of the view, in plan order.
local function chosen(own, m, o, what)
  o = o or {}
  if type(o) ~= "table" then fault.raise("%s: options are given as one table: got %s", what, options.show(o)) end
  for k in next, o do
    if k ~= "at" and k ~= "result" then fault.raise("%s: unknown option: %s; %s", what, tostring(k), names.hint(k, { "at", "result" })) end
  end
  if #own.rows == 0 then fault.raise("%s: no run is left%s", what, view.way(own)) end
  local s, out = own.source, {}
  if type(m) == "function" then
    for k, i in ipairs(own.rows) do
      local v = m(recorded.new(s, i))
      if type(v) ~= "number" then fault.raise("%s: the function must return a number: for run %s it is %s", what, source.row(s, i).hex, options.show(v)) end
      out[k] = v
    end
    return out
  end
  if kind_of(s, m, o.result, what) == "result" then
    local column = source.result(s, m)
    for k, i in ipairs(own.rows) do out[k] = column[i] end
    return out
  end
  local variable = source.metric(s, m, what, true)
  local at = o.at or "final"
  check_at(what, at)
  if at_words[at] then
    local column = source.summary(s, at, variable)
    for k, i in ipairs(own.rows) do
      local v = column[i]
      out[k] = at == "argmin" and v < 0 and nan or v
    end
  else
    local found = false
    for k, i in ipairs(own.rows) do
      local v, there = recorded.value_at(s, i, variable, at)
      out[k], found = v, found or there
    end
    if not found then fault.raise("%s: no run has logged %s at step %d%s", what, m, at, view.way(own)) end
  end
  return out
end

-- values(metric [, {at = "final", result = false}]) -> table
-- One number per run, in plan order: the last value of a metric, or with `at` its smallest ("min"), its largest ("max"), the step of the smallest
-- ("argmin") or the value at a step; "x[2]" names an element of a metric with axes. What run:result gave, when the name is a result's ({ result = true }
-- where a metric has that name too); or what a function says of each run. NaN where a run has none.
-- example:
-- table.concat(sweep:where{ lr = 0.2 }:values("loss", { at = 1 }), " ") --> 0.64 0.64
-- table.concat(sweep:values("distance"), " ") --> 0.4096 0.4096 0.1296 0.1296
-- table.concat(sweep:values(function(one) return one.params.lr * one.rep end), " ") --> 0.2 0.4 0.4 0.8
---@param metric string|fun(one: thalweg.Recorded): number
---@param o? { at?: "final"|"min"|"max"|"argmin"|integer, result?: boolean }
---@return number[]
function Sweep:values(metric, o) return chosen(view.inside(self, "values"), metric, o, "values") end

local function over_runs(name)
  return function(self, metric, o) return stats[name](chosen(view.inside(self, name), metric, o, name)) end
end

-- mean(metric [, {at = "final", result = false}]) -> number
-- The mean of a metric over the runs; metric and options as in sweep:values.
-- example:
-- sweep:mean("loss") --> 0.09228416
-- sweep:mean("loss", { at = 1 }) --> 0.5
---@type fun(self: thalweg.Sweep, metric: string|fun(one: thalweg.Recorded): number, o?: table): number
Sweep.mean = over_runs "mean"

-- median(metric [, {at = "final", result = false}]) -> number
-- The median of a metric over the runs; metric and options as in sweep:values.
-- example:
-- sweep:median("loss", { at = "max" }) --> 1.0
---@type fun(self: thalweg.Sweep, metric: string|fun(one: thalweg.Recorded): number, o?: table): number
Sweep.median = over_runs "median"

-- sd(metric [, {at = "final", result = false}]) -> number
-- The sample standard deviation of a metric over the runs; metric and options as in sweep:values.
-- example:
-- ("%.6f"):format(sweep:sd("loss")) --> 0.087166
---@type fun(self: thalweg.Sweep, metric: string|fun(one: thalweg.Recorded): number, o?: table): number
Sweep.sd = over_runs "sd"

-- var(metric [, {at = "final", result = false}]) -> number
-- The sample variance of a metric over the runs; metric and options as in sweep:values.
-- example:
-- ("%.6f"):format(sweep:var("loss")) --> 0.007598
---@type fun(self: thalweg.Sweep, metric: string|fun(one: thalweg.Recorded): number, o?: table): number
Sweep.var = over_runs "var"

-- se(metric [, {at = "final", result = false}]) -> number
-- The standard error of the mean of a metric over the runs; metric and options as in sweep:values.
-- example:
-- ("%.6f"):format(sweep:se("loss")) --> 0.043583
---@type fun(self: thalweg.Sweep, metric: string|fun(one: thalweg.Recorded): number, o?: table): number
Sweep.se = over_runs "se"

-- sd_se(metric [, {at = "final", result = false}]) -> number
-- The standard error of the standard deviation of a metric over the runs (see tw.stats.sd_se); metric and options as in sweep:values.
-- example:
-- ("%.6f"):format(sweep:sd_se("loss")) --> 0.010432
---@type fun(self: thalweg.Sweep, metric: string|fun(one: thalweg.Recorded): number, o?: table): number
Sweep.sd_se = over_runs "sd_se"

-- min(metric [, {at = "final", result = false}]) -> number
-- The smallest value over the runs; metric and options as in sweep:values.
-- example:
-- sweep:min("loss") --> 0.01679616
---@type fun(self: thalweg.Sweep, metric: string|fun(one: thalweg.Recorded): number, o?: table): number
Sweep.min = over_runs "min"

-- max(metric [, {at = "final", result = false}]) -> number
-- The largest value over the runs; metric and options as in sweep:values.
-- example:
-- sweep:max("loss") --> 0.16777216
---@type fun(self: thalweg.Sweep, metric: string|fun(one: thalweg.Recorded): number, o?: table): number
Sweep.max = over_runs "max"

-- quantile(metric, q [, {at = "final", result = false}]) -> number
-- The q-th quantile of a metric over the runs (see tw.stats.quantile); metric and options as in sweep:values.
-- example:
-- sweep:quantile("loss", 0.75) --> 0.16777216
---@param metric string|fun(one: thalweg.Recorded): number
---@param q number from 0 to 1
---@param o? table
---@return number
function Sweep:quantile(metric, q, o) return stats.quantile(chosen(view.inside(self, "quantile"), metric, o, "quantile"), q) end

-- Takes `at` and `result` out of options that hold more.
local function without_choice(o)
  if o == nil or type(o) ~= "table" then return nil, o end
  local choice, rest = { at = o.at, result = o.result }, {}
  for k, v in next, o do
    if k ~= "at" and k ~= "result" then rest[k] = v end
  end
  return choice, rest
end

-- ci(metric [, {level = 0.95, method = "t", at = "final", result = false}]) -> low, high, value
-- A confidence interval over the runs, and the value it is about: see tw.stats.ci for the methods "t", "bootstrap" and "median". Options as there, and
-- `at` and `result` as in sweep:values.
-- example:
-- local lo, hi, mean = sweep:ci("loss", { level = 0.9 })
-- ("%.4f %.4f %.4f"):format(lo, hi, mean) --> -0.0103 0.1949 0.0923
---@param metric string|fun(one: thalweg.Recorded): number
---@param o? table
---@return number low, number high, number value
function Sweep:ci(metric, o)
  local choice, rest = without_choice(o)
  return stats.ci(chosen(view.inside(self, "ci"), metric, choice, "ci"), rest)
end

-- Values by seed; two runs of one seed cannot be told apart.
local function by_seed(own, metric, o)
  local out, order = {}, {}
  local values = chosen(own, metric, o, "compare")
  for k, i in ipairs(own.rows) do
    local row = source.row(own.source, i)
    if out[row.seed] then
      fault.raise("compare: one run per seed is needed: seed %d has several%s; narrow to one configuration with :where", row.rep, view.way(own))
    end
    out[row.seed], order[k] = values[k], row.seed
  end
  return out, order
end

-- compare(other, metric [, {at = "final", result = false}]) -> table
-- Two selections compared over the seeds that both have: the mean difference self - other with its standard error, Student's paired t test and the sign
-- test (see tw.stats.paired). Each selection has one run per seed. `unpaired` counts the runs without a partner. Options as in sweep:values.
-- example:
-- local c = sweep:where{ lr = 0.2 }:compare(sweep:where{ lr = 0.4 }, "loss")
-- c.difference, c.n, c.wins, c.losses, c.unpaired --> 0.150976  2  2  0  0
---@param other thalweg.Sweep
---@param metric string|fun(one: thalweg.Recorded): number
---@param o? table
---@return { difference: number, se: number, t: number, p: number, n: integer, wins: integer, losses: integer, sign_p: number, unpaired: integer }
function Sweep:compare(other, metric, o)
  if type(other) ~= "table" or not rawequal(getmetatable(other), getmetatable(self)) then
    fault.raise("compare: another sweep is needed: got %s; as in a:compare(b, \"loss\")", options.show(other))
  end
  local mine, order = by_seed(view.inside(self, "compare"), metric, o)
  local theirs, other_order = by_seed(view.inside(other, "compare"), metric, o)
  local a, b = {}, {}
  for _, seed in ipairs(order) do
    if theirs[seed] then a[#a + 1], b[#b + 1] = mine[seed], theirs[seed] end
  end
  if #a < 2 then fault.raise("compare: two seeds that both have are needed: there %s %d", #a == 1 and "is" or "are", #a) end
  local out = stats.paired(a, b)
  out.unpaired = #order + #other_order - 2 * #a
  return out
end

local function statistic_of(what, f)
  if type(f) == "function" then return f end
  local known = { mean = true, median = true, sd = true, var = true, min = true, max = true, se = true, sd_se = true }
  if known[f] then return stats[f] end
  fault.raise("%s: unknown statistic: %s; %s, or a function of the values", what, tostring(f), names.hint(f, names.of(known)))
end

-- A statistic over the runs at every step: its values and the steps. Runs that ended earlier leave NaN from there on; runs that logged at other steps
-- are an error. The statistic is the name of one in tw.stats ("mean", "median", "sd", "se", ...) or a function of the runs' values.
-- example:
-- local mean, steps = sweep:across("loss", "mean")
-- mean[1], mean[2], steps[2] --> 1.0  0.5  1
---@param metric string
---@param statistic string|fun(values: number[]): number
---@return number[] values, integer[] steps
function Sweep:across(metric, statistic)
  local own = view.inside(self, "across")
  local variable = source.metric(own.source, metric, "across", true)
  local f = statistic_of("across", statistic)
  if #own.rows == 0 then fault.raise("across: no run is left%s", view.way(own)) end
  local traces, steps = {}, {}
  for k, i in ipairs(own.rows) do
    local values, at = source.trace(own.source, variable, i)
    local short, long = at, steps
    if #at > #steps then short, long = steps, at end
    for j = 1, #short do
      if short[j] ~= long[j] then
        fault.raise("across: the runs logged %s at different steps: row %d is step %d in one and %d in another", metric, j, short[j], long[j])
      end
    end
    traces[k], steps = values, long
  end
  local out = {}
  for j = 1, #steps do
    local at = {}
    for k = 1, #traces do at[k] = traces[k][j] or nan end
    out[j] = f(at)
  end
  return out, steps
end

local fit_fields = {
  { name = "logx", type = "boolean", default = false, about = "fits against log x" },
  { name = "logy", type = "boolean", default = false, about = "fits log y" },
  { name = "over", type = "any", default = "median", about = "the statistic over the runs of a group, or at a step: a name of tw.stats or a function" },
  { name = "at", type = "any", default = "final", about = "which value of the metric stands for a run: final, min, max, argmin or a step" },
  { name = "result", type = "boolean", default = false, about = "y is a result's name" },
  { name = "from", type = "number", optional = true, about = "the smallest x taken" },
  { name = "to", type = "number", optional = true, about = "the largest x taken" },
}

-- Points of a fit against steps or against another metric.
local function trace_points(self, own, x, y, o)
  if x ~= "step" then
    local one = recorded.new(own.source, view.single(own, "fit_slope"))
    source.metric(own.source, x, "fit_slope", true)
    source.metric(own.source, y, "fit_slope", true)
    local xs, steps = one:trace(x)
    local ys, at = one:trace(y)
    local place, px, py = {}, {}, {}
    for j, step in ipairs(at) do place[step] = j end
    for j, step in ipairs(steps) do
      if place[step] then px[#px + 1], py[#py + 1] = xs[j], ys[place[step]] end
    end
    return px, py
  end
  if type(y) == "function" then fault.raise("fit_slope: against steps y is a metric: it is a function") end
  local values, steps
  if #own.rows == 1 then values, steps = self:trace(y) else values, steps = self:across(y, o.over) end
  source.metric(own.source, y, "fit_slope", true)
  return steps, values
end

-- Points of a fit against a parameter: one per value.
local function group_points(self, x, y, o)
  local px, py = {}, {}
  for _, group in ipairs(self:group_by(x)) do
    if type(group[1]) ~= "number" then fault.raise("fit_slope: a parameter with numbers is needed: %s is %s", x, options.show(group[1])) end
    px[#px + 1] = group[1]
    py[#py + 1] = statistic_of("fit_slope", o.over)(group.sweep:values(y, { at = o.at, result = o.result or nil }))
  end
  return px, py
end

local function logarithm(values, name)
  local out = {}
  for i, v in ipairs(values) do
    if not (v > 0) then fault.raise("fit_slope: a logarithm needs numbers above 0: %s is %s at point %d", name, options.show(v), i) end
    out[i] = core.num.log(v)
  end
  return out
end

-- fit_slope(x, y [, {logx = false, logy = false, over = "median", at = "final", result = false, from, to}]) -> slope, intercept, se, n
-- A straight line fitted by least squares, in the values or in their logarithms (logx, logy): slope, intercept, standard error of the slope (NaN for
-- two points), number of points. With x = "step", y is a metric along the steps of the one run, or a statistic over the runs at each step (`over`).
-- With x a metric, both come from the one run, row by row. With x a parameter, each of its values is a point and y is a metric, a result or a function of
-- a run, `over` the runs that have it (default the median). `from` and `to` bound x before the logarithm. Options `at` and `result` as in sweep:values.
-- example:
-- local slope, intercept, se, n = sweep:where{ lr = 0.4, rep = 1 }:fit_slope("step", "loss", { logy = true })
-- ("%.6f %.6f %d"):format(slope, intercept, n) --> -1.021651 0.000000 5
-- ("%.4f"):format((sweep:fit_slope("lr", "loss"))) --> -0.7549
---@param x string
---@param y string|fun(one: thalweg.Recorded): number
---@param o? table
---@return number slope, number intercept, number se, integer n
function Sweep:fit_slope(x, y, o)
  local own = view.inside(self, "fit_slope")
  o = options.check("fit_slope", fit_fields, o)
  local px, py
  if source.column(own.source, x) then px, py = group_points(self, x, y, o)
  elseif x == "step" or source.find(own.source, x) then px, py = trace_points(self, own, x, y, o)
  else
    local valid = table.move(own.source.metrics, 1, #own.source.metrics, 2, { "step" })
    local _, parameters = source.parameters(own.source)
    table.move(parameters, 1, #parameters, #valid + 1, valid)
    fault.raise("fit_slope: unknown x: %s; %s", tostring(x), names.hint(x, valid))
  end
  local qx, qy = {}, {}
  for i, v in ipairs(px) do
    if (not o.from or v >= o.from) and (not o.to or v <= o.to) then qx[#qx + 1], qy[#qy + 1] = v, py[i] end
  end
  if o.logx then qx = logarithm(qx, "x") end
  if o.logy then qy = logarithm(qy, "y") end
  local fit = stats.linear_fit(qx, qy)
  return fit.slope, fit.intercept, fit.se, fit.n
end
