-- Schedules made of others: warm-up, one after another, arithmetic. `children` and `compose` say how, so that state (plateau) passes through.
local canonical = require "thalweg.canonical"
local class = require "thalweg.schedule.class"
local core = require "thalweg.core"
local described = require "thalweg.described"
local fault = require "thalweg.fault"
local options = require "thalweg.options"
local space = require "thalweg.space"
local steps = require "thalweg.schedule.steps"

local num = core.num
local Schedule = class.Schedule

local compose = {}

-- A number, or one that differs between the runs computed together.
local function is_number(v) return type(v) == "number" or core.is_laned(v) end

local function as_schedule(what, v)
  if v == nil then return steps.constant() end
  if is_number(v) then return steps.constant(v) end
  if not class.is(v) then fault.raise("%s: a schedule or a number is needed: got %s", what, options.show(v)) end
  return v
end

-- A schedule of schedules: make(at1, at2, ...) gives the function of t.
local function composed(kind, o, rebuild, children, make, fields)
  local ats = {}
  for i, child in ipairs(children) do ats[i] = child.at end
  fields.children, fields.compose, fields.at = children, make, make(table.unpack(ats))
  return described.new(Schedule, kind, o, rebuild, fields)
end

-- Grows linearly to its base in n steps, then goes on with another schedule, whose step 0 is step n. Step 0 has 1/n, not 0, and step n - 1 the base
-- (PyTorch's LinearLR{1/n, 1, n - 1} before a SequentialLR; Optax's and Keras' warm-ups begin at their own value and reach the base at step n:
-- join{ { linear{ from = 0, to = 1, steps = n }, n }, after }). The steps of `after` are its own: they do not include the warm-up, unlike decay_steps of
-- Optax's warmup_cosine_decay_schedule.
-- formula: s(t) = (t + 1) / n for t < n, then after(t - n)
-- source: Goyal et al. 2017
-- example:
-- local s = tw.schedule.warmup(4, tw.schedule.exponential{ rate = 0.5 })
-- s(0), s(3), s(4) --> 0.25  1.0  1.0
-- 0.1 * s --> 0.1*warmup(4,exponential{rate=0.5})
---@param n integer steps of warm-up
---@param after? thalweg.Schedule|number default 1
---@return thalweg.Schedule
compose.warmup = space.lift(function(n, after)
  local o = options.check("warmup", { { name = "steps", type = "integer", min = 1, about = "steps of warm-up" } }, { steps = n })
  after = as_schedule("warmup", after)
  local length = o.steps
  local rebuild = function(other) return compose.warmup(other.steps, other.after) end
  return composed("warmup", { steps = length, after = after }, rebuild, { after }, function(then_at)
    return function(t)
      if t < length then return (t + 1) / length end
      return then_at(t - length)
    end
  end, { text = string.format("warmup(%d,%s)", length, after.text) })
end)

-- One entry of join's list: { schedule, steps }, and the last one a schedule, a number or { schedule }.
local function join_entry(entry, i, n)
  local of, length = entry, nil
  if type(entry) == "table" and getmetatable(entry) == nil then
    of, length = entry[1] or entry.schedule, entry[2] or entry.steps
    for k in next, entry do
      if k ~= 1 and k ~= 2 and k ~= "schedule" and k ~= "steps" then
        fault.raise("join: an entry is { schedule, steps }: entry %d has %s", i, options.show(k))
      end
    end
  end
  if of == nil then fault.raise("join: an entry is { schedule, steps }: entry %d has no schedule", i) end
  of = as_schedule("join", of)
  if i == n then
    if length ~= nil then fault.raise("join: the last schedule goes on for ever: entry %d has %s steps; leave them out", i, options.show(length)) end
    return { schedule = of }
  end
  local whole = math.tointeger(length)
  if not whole or whole < 1 then
    fault.raise("join: wrong steps: entry %d has %s; it must be an integer of at least 1", i, options.show(length))
  end
  return { schedule = of, steps = whole }
end

-- One schedule after another, each for so many steps and each from its own step 0, the last for ever: join{ {s1, n1}, {s2, n2}, s3 }. Step n1 is the first
-- of s2 (PyTorch's SequentialLR with milestones n1, n1 + n2; Optax's join_schedules). Numbers are constants.
-- formula: s(t) = s1(t) for t < n1, s2(t - n1) for t < n1 + n2, ...
-- example:
-- local s = tw.schedule.join{ { tw.schedule.linear{ from = 0, to = 1, steps = 10 }, 10 }, { 1, 80 }, tw.schedule.linear{ steps = 10 } }
-- s(5), s(10), s(89), s(95), s(100) --> 0.5  1  1  0.5  0
-- s --> join{{linear{from=0,steps=10,to=1},10},{constant{value=1},80},linear{from=1,steps=10,to=0}}
---@param list { [1]: thalweg.Schedule|number, [2]: integer }[] the last without steps
---@return thalweg.Schedule
compose.join = space.lift(function(list)
  if type(list) ~= "table" or getmetatable(list) ~= nil or #list == 0 then
    fault.raise("join: an array is needed: got %s; write join{ {s1, n1}, s2 }", options.show(list))
  end
  local entries, children, begins, texts, begin = {}, {}, {}, {}, 0
  for i = 1, #list do
    local entry = join_entry(list[i], i, #list)
    entries[i], children[i], begins[i] = entry, entry.schedule, begin
    texts[i] = entry.steps and string.format("{%s,%d}", entry.schedule.text, entry.steps) or entry.schedule.text
    begin = begin + (entry.steps or 0)
  end
  for k in next, list do
    if not entries[k] then fault.raise("join: only an array is allowed: key is %s", options.show(k)) end
  end
  return composed("join", entries, compose.join, children, function(...)
    local ats = { ... }
    return function(t)
      local k = #begins
      while k > 1 and t < begins[k] do k = k - 1 end
      return ats[k](t - begins[k])
    end
  end, { text = "join{" .. table.concat(texts, ",") .. "}" })
end)

-- Arithmetic. With a number the schedule keeps its kind and gains one column (factor, term, divisor, exponent).
local operators = {
  add = { sign = "+", kind = "sum", column = "term", apply = function(a, b) return a + b end },
  sub = { sign = "-", kind = "difference", column = "term", apply = function(a, b) return a - b end },
  mul = { sign = "*", kind = "product", column = "factor", apply = function(a, b) return a * b end },
  div = { sign = "/", kind = "quotient", column = "divisor", apply = function(a, b) return a / b end },
  pow = { sign = "^", kind = "power", column = "exponent", apply = function(a, b) return num.pow(a, b) end },
}

local function operand_text(v)
  if core.is_laned(v) then return canonical.text(v) end
  if type(v) == "number" then return v < 0 and "(" .. canonical.number(v) .. ")" or canonical.number(v) end
  return rawget(v, "composed") and "(" .. v.text .. ")" or v.text
end

local function combine(op, a, b)
  for _, v in ipairs { a, b } do
    if not is_number(v) and not class.is(v) then
      fault.raise("schedule: %s needs numbers and schedules: got %s", op.sign, options.show(v))
    end
  end
  local apply = op.apply
  local fields = { composed = true, text = operand_text(a) .. op.sign .. operand_text(b) }
  if not is_number(a) and not is_number(b) then
    return composed(op.kind, { left = a, right = b }, function(o) return op.lifted(o.left, o.right) end, { a, b }, function(f, g)
      return function(t) return apply(f(t), g(t)) end
    end, fields)
  end
  local number, of, number_first = a, b, true
  if is_number(b) then number, of, number_first = b, a, false end
  fields.columns = {}
  for _, column in ipairs(of.columns) do described.add(fields.columns, column[1], column[2]) end
  described.add(fields.columns, op.column, number)
  fields.inner = "of" -- a name that is no option here is looked for in the schedule inside
  return composed(of.kind, { [op.column] = number, of = of }, function(o)
    if number_first then return op.lifted(o[op.column], o.of) end
    return op.lifted(o.of, o[op.column])
  end, { of }, function(f)
    if number_first then return function(t) return apply(number, f(t)) end end
    return function(t) return apply(f(t), number) end
  end, fields)
end

for name, op in next, operators do
  local run = function(a, b) return combine(op, a, b) end
  op.lifted = function(a, b)
    if space.contains(a) or space.contains(b) then return space.lift(run)(a, b) end
    return run(a, b)
  end
  Schedule["__" .. name] = op.lifted
end

return compose
