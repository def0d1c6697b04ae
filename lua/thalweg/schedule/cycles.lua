-- Schedules that come back up: cosine with restarts, triangular cycles, one cycle.
local class = require "thalweg.schedule.class"
local core = require "thalweg.core"

local num = core.num
local pi = 3.141592653589793
local define = class.define

local cycles = {}

-- Half a cosine down to min, again and again: step `period` is the first of the second period and back at the top (PyTorch's
-- CosineAnnealingWarmRestarts, T_0 = period, T_mult = mult; Optax's sgdr_schedule; Keras' CosineDecayRestarts with t_mul = mult, m_mul = amplitude).
-- formula: s(t) = min + (1 - min) amplitude^i (1 + cos(pi u / T_i)) / 2, u steps into period i = 0, 1, ..., of T_i = period mult^i steps
-- source: Loshchilov and Hutter 2017
-- example:
-- local s = tw.schedule.cosine_restarts{ period = 10, mult = 2 }
-- s(0), s(5), s(10), s(20), s(30) --> 1.0  0.5  1.0  0.5  1.0
---@type fun(o: { period: number, mult?: number, min?: number, amplitude?: number }): thalweg.Schedule
cycles.cosine_restarts = define("cosine_restarts", {
  { name = "period", type = "number", above = 0, about = "steps of the first period" },
  { name = "mult", type = "number", min = 1, default = 1, alike = true, about = "each period is so many times as long as the one before" },
  { name = "min", type = "number", default = 0, about = "the lowest value, as a factor of the first" },
  { name = "amplitude", type = "number", min = 0, optional = true, about = "each period is so many times as high as the one before, 1 when not given" },
}, function(o)
  local cos, pow, period, mult, low, amplitude = num.cos, num.pow, o.period, o.mult, o.min, o.amplitude
  return function(t)
    local i, length, begin = t // period, period, 0
    if mult == 1 then
      begin = i * period
    else
      i = 0
      while t >= begin + length do i, begin, length = i + 1, begin + length, length * mult end
    end
    local x = (1 + cos(pi * (t - begin) / length)) / 2
    if amplitude ~= nil then x = pow(amplitude, i) * x end
    return low + (1 - low) * x
  end
end, function(o)
  if core.is_laned(o.period) and o.mult ~= 1 then return "period differs between the runs computed together: with mult it must be the same in all" end
end)

-- Up from low to the base in `up` steps, down again in `down`, for ever; the base is the top (PyTorch's CyclicLR, whose base_lr is the bottom).
-- "triangular2" halves the height after every cycle, "exp_range" multiplies it by gamma at every step. A schedule of the momentum, if it shall cycle
-- as well, is given to the momentum: 0.9 * cyclic{ ... }.
-- formula: s(t) = low + (1 - low) x h, x = u / up or (up + down - u) / down, u = t mod (up + down), h = 1, 2^-floor(t / (up + down)) or gamma^t
-- source: Smith 2017
-- example:
-- local s = tw.schedule.cyclic{ low = 0.2, up = 4 }
-- s(0), s(2), s(4), s(8) --> 0.2  0.6  1.0  0.2
---@type fun(o: { low: number, up: number, down?: number, mode?: string, gamma?: number }): thalweg.Schedule
cycles.cyclic = define("cyclic", {
  { name = "low", type = "number", default = 0, about = "the bottom, as a factor of the top" },
  { name = "up", type = "number", above = 0, alike = true, about = "steps from the bottom to the top" },
  { name = "down", type = "number", above = 0, optional = true, alike = true, about = "steps from the top to the bottom, as many as up when not given" },
  { name = "mode", type = "string", choices = { "triangular", "triangular2", "exp_range" }, default = "triangular", about = "what becomes of the height" },
  { name = "gamma", type = "number", min = 0, optional = true, about = "the height's factor per step, for exp_range" },
}, function(o)
  local pow, low, up, down, mode, gamma = num.pow, o.low, o.up, o.down or o.up, o.mode, o.gamma
  local length = up + down
  return function(t)
    local i = t // length
    local u = t - i * length
    local x
    if u <= up then x = u / up else x = (length - u) / down end
    if mode == "triangular2" then x = x * pow(0.5, i) end
    if mode == "exp_range" then x = x * pow(gamma, t) end
    return low + (1 - low) * x
  end
end, function(o)
  if o.mode == "exp_range" and o.gamma == nil then return "missing option: gamma is nil; mode exp_range needs the factor per step" end
  if o.mode ~= "exp_range" and o.gamma ~= nil then return 'gamma is for mode "exp_range" alone: mode is "' .. o.mode .. '"' end
end)

-- One rise to the base and one fall to almost nothing, with PyTorch's phases (OneCycleLR, total_steps = steps): from 1 / div_factor at step 0 up to 1 at
-- step pct_start steps - 1, down to 1 / (div_factor final_div_factor) at step steps - 1, the last of the run; in three phases first down to 1 / div_factor,
-- as fast as it rose. After the end it stays (PyTorch raises an error; Optax's two ends lie one step later, at pct_start steps and at steps).
-- The step at a phase's end belongs to that phase.
-- formula: s(t) = b + (a - b) (1 + cos(pi x)) / 2, or a + (b - a) x, x = (t - t_a) / (t_b - t_a), from a to b in each phase
-- source: Smith and Topin 2018
-- example:
-- local s = tw.schedule.onecycle{ steps = 100, div_factor = 10 }
-- s(0), s(29), s(99) --> 0.1  1.0  1e-05
---@type fun(o: table): thalweg.Schedule
cycles.onecycle = define("onecycle", {
  { name = "steps", type = "integer", min = 2, about = "steps of the whole run" },
  { name = "pct_start", type = "number", min = 0, max = 1, default = 0.3, alike = true, about = "the share of the steps in which it rises" },
  { name = "div_factor", type = "number", above = 0, default = 25, about = "the top is so many times the first value" },
  { name = "final_div_factor", type = "number", above = 0, default = 1e4, about = "the first value is so many times the last" },
  { name = "anneal", type = "string", choices = { "cos", "linear" }, default = "cos", about = "half cosines or straight lines" },
  { name = "three_phase", type = "boolean", default = false, about = "fall to the first value as fast as it rose, then to the last" },
}, function(o)
  local cos, steps, linear = num.cos, o.steps, o.anneal == "linear"
  local first = 1 / o.div_factor
  local last = first / o.final_div_factor
  local ends, values = { o.pct_start * steps - 1, steps - 1 }, { first, 1, last }
  if o.three_phase then ends, values = { ends[1], 2 * o.pct_start * steps - 2, steps - 1 }, { first, 1, first, last } end
  return function(t)
    if t >= steps - 1 then return last end
    local k = 1
    while t > ends[k] do k = k + 1 end
    local before = k == 1 and 0 or ends[k - 1]
    if ends[k] == before then return values[k + 1] end
    local a, b, x = values[k], values[k + 1], (t - before) / (ends[k] - before)
    if linear then return a + (b - a) * x end
    return b + (a - b) * ((1 + cos(pi * x)) / 2)
  end
end, function(o)
  if o.three_phase and 2 * o.pct_start * o.steps - 2 > o.steps - 1 then
    return "the first two phases are longer than the run: pct_start is " .. tostring(o.pct_start) .. "; with three_phase it is at most about 0.5"
  end
end)

return cycles
