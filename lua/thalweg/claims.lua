-- Claims: what an experiment says its recorded runs show. Each compares a measured value with a bound and ends as pass, fail or skip. Nothing passes
-- without a measured value: nil, an empty array and NaN fail, and so does whatever raises an error. Knows nothing of how sweeps are run or shown.
local canonical = require "thalweg.canonical"
local core = require "thalweg.core"
local fault = require "thalweg.fault"
local names = require "thalweg.names"
local options = require "thalweg.options"

local claims = {}

-- claim(text, measured, relation, bound [, {why, abs, rel, ulp, seeds, se, unit, printed, erratum}]) -> nothing
-- Claims that a measured value stands in a relation to a bound: `<` `<=` `>` `>=` `==`, `within` for a bound { low, high } with its ends, or `~` for
-- equal within the largest of the tolerances `abs`, `rel` (times the bound) and `ulp` (units of the bound's last place). Measured is a number, a boolean
-- (with `==`), a tensor or an array: then every element must hold, against one bound or as many, and the worst is told. Given as a function, it is called,
-- and an error in it fails this claim alone. `why` says where the bound comes from, `seeds` and `se` (standard error) what stands behind the value, `unit`
-- its unit. Where a lecture prints a wrong value, `printed` is that value and `erratum` one sentence on why it is wrong; `why` is then required.
-- example:
-- claim("converges", sweep:where{ lr = 0.4 }:values("loss"), "<", 0.02, { why = "(1 - lr)^(2 t) at t = 4" }) --> pass: [1 of 2] 0.0167962 < 0.02
-- claim("the rate", sweep:where{ lr = 0.2, rep = 1 }:at("loss", 1), "~", 0.64, { rel = 1e-15 }) --> pass: 0.64 ~ 0.64 (rel 1e-15)
-- claim("is small", sweep:median("loss"), "<", 0.01) --> fail: 0.0922842 < 0.01
-- claim("a slip", function() return sweep:where{ lr = 3 }:median("loss") end, "<", 1) --> fail: median: no run is left after where{lr=3}
-- claim("nothing", nil, "<", 1) --> fail: nothing was measured: the value is nil

-- claim.skip(text, reason) -> nothing
-- Names a claim that is not checked, and why; `sweep.quick` tells that the runs are those of the quick form.
-- example:
-- claim.skip("the slope is -1/2", "it takes the full form's 100,000 steps") --> skip: it takes the full form's 100,000 steps

---@class thalweg.Claimed
---@field status "pass"|"fail"|"skip"
---@field text string
---@field measured? number|boolean|any[] what was measured, flat when it has several elements
---@field worst? { index: integer, measured: number|boolean, bound: any } of several elements the one nearest to failing, or furthest beyond
---@field relation? string
---@field bound? any
---@field distance? number how far the (worst) measured value lies beyond the bound; for ~ how far from it
---@field abs? number
---@field rel? number
---@field ulp? number
---@field why? string where the bound comes from
---@field printed? any the value a lecture prints where it is wrong
---@field erratum? string why it is wrong, in one sentence
---@field seeds? integer
---@field se? number
---@field unit? string
---@field message? string why it could not be measured or compared; of a skipped claim the reason

local fields = {
  { name = "why", type = "string", optional = true, about = "where the bound comes from" },
  { name = "printed", type = "any", optional = true, about = "the value a lecture prints where it is wrong" },
  { name = "erratum", type = "string", optional = true, about = "why the printed value is wrong, in one sentence" },
  { name = "seeds", type = "integer", min = 1, optional = true, about = "how many seeds stand behind the measured value" },
  { name = "se", type = "number", min = 0, optional = true, about = "its standard error" },
  { name = "unit", type = "string", optional = true, about = "its unit" },
  { name = "abs", type = "number", min = 0, optional = true, about = "for ~: the absolute tolerance" },
  { name = "rel", type = "number", min = 0, optional = true, about = "for ~: the tolerance relative to the bound" },
  { name = "ulp", type = "number", min = 0, optional = true, about = "for ~: the tolerance in units of the bound's last place" },
}

local valid_relations = { "<", "<=", ">", ">=", "==", "within", "~" }
local inequality = {
  ["<"] = function(m, b) return m < b end, ["<="] = function(m, b) return m <= b end,
  [">"] = function(m, b) return m > b end, [">="] = function(m, b) return m >= b end,
}

local function wrong(format, ...) error(string.format(format, ...), 0) end

-- The distance of a number to the next larger one in magnitude.
local function ulp_of(x)
  local bits = string.unpack("<i8", string.pack("<d", x < 0 and -x or x))
  return string.unpack("<d", string.pack("<i8", bits + 1)) - (x < 0 and -x or x)
end

-- A number, a boolean, or a flat array of these, out of what a claim was given; tensors by their elements, nested arrays row by row.
local function flat(what, v)
  if core.is_tensor(v) then v = v:table() end
  if type(v) == "number" or type(v) == "boolean" then return v end
  if type(v) ~= "table" or getmetatable(v) ~= nil then wrong("%s must be a number, a boolean or an array of these: it is %s", what, options.show(v)) end
  local out = {}
  local function add(t)
    for i = 1, #t do
      if type(t[i]) == "table" and getmetatable(t[i]) == nil then add(t[i]) else
        if type(t[i]) ~= "number" and type(t[i]) ~= "boolean" then wrong("%s must hold numbers or booleans: entry %d is %s", what, i, options.show(t[i])) end
        out[#out + 1] = t[i]
      end
    end
  end
  add(v)
  for k in next, v do
    if math.type(k) ~= "integer" or k < 1 or k > #v then wrong("%s must be an array: it has the key %s", what, options.show(k)) end
  end
  if #out == 0 then wrong("%s is an empty array: nothing was measured", what) end
  return out
end

local function finite(v) return v == v and v ~= math.huge and v ~= -math.huge end

-- Whether m stands in the relation to b; and how far it lies beyond (below 0: inside), for ~ beyond the tolerance.
local function judge(relation, m, b, o)
  if type(m) ~= type(b) and relation ~= "within" then wrong("a %s is compared with a %s", type(m), type(b)) end
  if type(m) == "boolean" then
    if relation ~= "==" then wrong("a boolean is compared with ==: the relation is %s", relation) end
    return m == b, m == b and 0 or 1
  end
  if relation == "within" then
    local beyond = m < b[1] and b[1] - m or m > b[2] and m - b[2] or -math.min(m - b[1], b[2] - m)
    return m >= b[1] and m <= b[2], beyond
  end
  if relation == "==" then return m == b, m == b and 0 or math.abs(m - b) end
  if relation == "~" then
    local distance = m == b and 0 or math.abs(m - b)
    local allowed = math.max(o.abs or 0, (o.rel or 0) * math.abs(b), (o.ulp or 0) * (o.ulp and ulp_of(b) or 0))
    return distance <= allowed, distance - allowed, distance
  end
  return inequality[relation](m, b), relation:sub(1, 1) == "<" and m - b or b - m
end

local function check_bound(relation, bound, count)
  if bound == nil then wrong("there is no bound") end
  if relation == "within" then
    if type(bound) ~= "table" or #bound ~= 2 or type(bound[1]) ~= "number" or type(bound[2]) ~= "number" or not (bound[1] <= bound[2]) then
      wrong("the bound of within must be { low, high }: it is %s", type(bound) == "table" and canonical.text(bound) or options.show(bound))
    end
    if not finite(bound[1]) or not finite(bound[2]) then wrong("the bound of within must be finite: it is %s", canonical.text(bound)) end
    return { bound[1], bound[2] }
  end
  bound = flat("the bound", bound)
  local list = type(bound) == "table" and bound or { bound }
  if type(bound) == "table" and #bound ~= count then wrong("as many bounds as measured values are needed: there are %d and %d", #bound, count) end
  for _, b in ipairs(list) do
    if b ~= b then wrong("the bound is NaN") end
    if relation ~= "==" and type(b) == "number" and not finite(b) then wrong("a bound that cannot fail is none: it is %s", canonical.number(b)) end
  end
  return bound
end

local function check_options(relation, given)
  local o = options.check("claim", fields, given)
  if (o.printed == nil) ~= (o.erratum == nil) then
    wrong("printed and erratum belong together: printed is %s, erratum is %s", options.show(o.printed), options.show(o.erratum))
  end
  if o.printed ~= nil and not o.why then wrong("an erratum needs why: where the right value comes from") end
  local tolerant = o.abs or o.rel or o.ulp
  if relation == "~" and not tolerant then wrong("~ needs a tolerance: abs, rel or ulp") end
  if relation ~= "~" and tolerant then wrong("a tolerance belongs to ~: the relation is %s", relation) end
  if o.printed ~= nil and type(o.printed) ~= "string" then o.printed = flat("printed", o.printed) end
  return o
end

-- Fills in the result of a claim; raises where it cannot be judged.
local function decide(result, measured, relation, bound, given)
  local known = false
  for _, name in ipairs(valid_relations) do known = known or name == relation end
  if not known then wrong("unknown relation: %s; %s", options.show(relation), names.hint(relation, valid_relations)) end
  result.relation = relation
  local o = check_options(relation, given)
  for k, v in next, o do result[k] = v end
  if type(measured) == "function" then measured = measured() end
  if measured == nil then wrong("nothing was measured: the value is nil") end
  measured = flat("the measured value", measured)
  result.measured = measured
  local list = type(measured) == "table" and measured or { measured }
  bound = check_bound(relation, bound, #list)
  result.bound = bound
  local passed, most = true, nil
  for i, m in ipairs(list) do
    local b = bound
    if type(bound) == "table" and relation ~= "within" then b = bound[i] end
    local holds, beyond, distance = judge(relation, m, b, o)
    if m ~= m then
      holds, beyond, distance = false, math.huge, nil
      result.message = "the measured value is NaN"
    end
    passed = passed and holds
    if not most or beyond > most then
      most, result.distance = beyond, m == m and (distance or beyond) or nil
      result.worst = #list > 1 and { index = i, measured = m, bound = b } or nil
    end
  end
  result.status = passed and "pass" or "fail"
end

local function placed(message) return type(message) == "table" and message.message or tostring(message) end

-- Runs an experiment's claims over a sweep of its runs. An error inside a claim, or in a function given as its measured value, fails that claim alone;
-- one between claims ends them, and is itself a failed claim.
---@param f fun(sweep: thalweg.Sweep, claim: function)
---@param sweep thalweg.Sweep
---@return thalweg.Claimed[]
function claims.run(f, sweep)
  local out = {}
  local function add(text)
    local result = { status = "fail", text = type(text) == "string" and text or "claim " .. #out + 1 }
    out[#out + 1] = result
    return result
  end
  local claim = setmetatable({
    skip = function(text, reason)
      local result = add(text)
      local position = fault.position()
      if type(text) ~= "string" or type(reason) ~= "string" then
        result.message = position .. 'a claim is skipped with its text and a reason: claim.skip("...", "...")'
        return
      end
      result.status, result.message = "skip", reason
    end,
  }, {
    __call = function(_, text, measured, relation, bound, o)
      local result, position = add(text), fault.position()
      if type(text) ~= "string" then
        result.message = position .. "a claim says in words what it claims: its first argument is " .. options.show(text)
        return
      end
      local ok, message = pcall(decide, result, measured, relation, bound, o)
      if not ok then
        message = placed(message)
        result.status, result.message = "fail", message:find("^[^%s:]+:%d+: ") and message or position .. message
      end
    end,
    __index = function(_, name) fault.raise("claim: no field of this name: name is %s; valid: skip", tostring(name)) end,
  })
  local ok, message = xpcall(f, function(e)
    return type(e) == "table" and e.message or tostring(e)
  end, sweep, claim)
  if not ok then add("the claims function comes to its end").message = message end
  if ok and #out == 0 then add("the claims function makes a claim").message = "it made none" end
  return out
end

return claims
