-- The one schedule that looks at the run: it falls when a reported number has stopped getting better. The described object is plain data; what it has
-- seen lives in the stepper that start() makes. Its rule is written without branching on an option's value, for numbers and laned scalars alike.
local class = require "thalweg.schedule.class"
local core = require "thalweg.core"
local described = require "thalweg.described"
local fault = require "thalweg.fault"
local options = require "thalweg.options"
local space = require "thalweg.space"

local fields = {
  { name = "factor", type = "number", min = 0, max = 1, default = 0.1, about = "the factor of a reduction" },
  { name = "patience", type = "integer", min = 0, default = 10, about = "so many bad reports in a row are borne; the next one reduces" },
  { name = "threshold", type = "number", min = 0, default = 1e-4, about = "by how much a report must beat the best one to be good" },
  { name = "threshold_mode", type = "string", choices = { "rel", "abs" }, default = "rel", about = "as a share of the best, or as it is" },
  { name = "cooldown", type = "integer", min = 0, default = 0, about = "so many reports after a reduction are not counted as bad" },
  { name = "min", type = "number", min = 0, default = 0, about = "the lowest value, as a factor of the base" },
  { name = "mode", type = "string", choices = { "min", "max" }, default = "min", about = "what is better: less, or more" },
}

local function less(a, b)
  if type(a) == "number" and type(b) == "number" then return a < b end
  return core.lt(a, b)
end

local function choose(condition, a, b)
  if type(condition) ~= "boolean" then return core.where(condition, a, b) end
  if condition then return a else return b end
end

-- Is the report better than the best so far?
local function better(o, value, best)
  local share = o.threshold_mode == "rel"
  if o.mode == "min" then return less(value, share and best * (1 - o.threshold) or best - o.threshold) end
  return less(share and best * (1 + o.threshold) or best + o.threshold, value)
end

-- What is remembered outlives the tw.scope, or the function being differentiated, in which it was reported.
local function lasting(v)
  if core.is_tensor(v) then v:keep() end
  return v
end

local names = { "bad", "best", "scale", "wait" }

-- The state of one plateau: the best report, bad reports in a row, reports left to wait, the factor now.
local function new_part(o)
  local s = { best = o.mode == "min" and math.huge or -math.huge, bad = 0, wait = 0, scale = 1 }
  local part = {}
  function part.factor() return s.scale end
  function part.report(value)
    local good = better(o, value, s.best)
    local waiting = less(0, s.wait)
    local bad = choose(waiting, 0, choose(good, 0, s.bad + 1))
    local wait = choose(waiting, s.wait - 1, s.wait)
    local reduce = less(o.patience, bad)
    local lower = s.scale * o.factor
    lower = choose(less(lower, o.min), o.min, lower)
    s = {
      best = lasting(choose(good, value, s.best)), bad = lasting(choose(reduce, 0, bad)), wait = lasting(choose(reduce, o.cooldown, wait)),
      scale = lasting(choose(reduce, lower, s.scale)),
    }
  end
  function part.state()
    local out = {}
    for _, name in ipairs(names) do out[name] = s[name] end
    return out
  end
  function part.check(state)
    for _, name in ipairs(names) do
      local v = type(state) == "table" and state[name]
      if type(v) ~= "number" and not core.is_tensor(v) then
        fault.raise("plateau: not a plateau's state: %s is %s; give what state() gave", name, options.show(v))
      end
    end
  end
  function part.load(state)
    s = {}
    for _, name in ipairs(names) do s[name] = lasting(state[name]) end
  end
  return part
end

local reaction = {}

-- Multiplied by factor when what is reported has stopped getting better: after more than `patience` bad reports in a row, that is at the 11th with
-- patience = 10 (PyTorch's ReduceLROnPlateau, but for its eps: every reduction counts, however small; Keras reduces one report earlier). A report is bad
-- when it does not beat the best so far by the threshold; NaN is bad. Between reports the value stays, and it never rises. The optimizer hands the reports
-- on, opt:report(loss); the value depends on them and not on the step, so calling s(t) is an error and s:start() gives what follows the reports.
-- formula: good: value < best (1 - threshold), best - threshold, or for mode "max" value > best (1 + threshold), best + threshold
-- example:
-- local stepper = tw.schedule.plateau{ factor = 0.5, patience = 1 }:start()
-- local out = {}
-- for t, loss in ipairs{ 1, 0.8, 0.8, 0.8, 0.8, 0.8 } do
--   stepper:report(loss)
--   out[t] = stepper:factor(t)
-- end
-- table.concat(out, " ") --> 1 1 1 0.5 0.5 0.25
---@type fun(o?: table): thalweg.Schedule
reaction.plateau = space.lift(function(given)
  local o = options.check("plateau", fields, given)
  return described.new(class.Schedule, "plateau", o, reaction.plateau, {
    at = function()
      fault.raise("plateau: it has no value at a step: it follows what is reported; give it to an optimizer, or call start() and report to that")
    end,
    new_part = function() return new_part(o) end,
  })
end)

return reaction
