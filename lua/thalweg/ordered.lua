-- Tables visited in one order: numbers ascending, then strings bytewise, then false, true. Lua's own order depends on
-- addresses; a run whose numbers follow it would not be the same run twice.
local fault = require "thalweg.fault"

local ordered = {}

local rank = { number = 1, string = 2, boolean = 3 }

local function before(a, b)
  local ra, rb = rank[type(a)], rank[type(b)]
  if ra ~= rb then return ra < rb end
  if ra == 3 then return not a and b end
  return a < b
end

-- The keys of a table in order. Raises when one is a table, a function or a userdata: those have no order.
---@param t table
---@return any[]
function ordered.keys(t)
  local keys, n = {}, 0
  local length = rawlen(t)
  for k in next, t do
    if not rank[type(k)] then
      fault.raise("pairs: a key without an order: key is a %s; use numbers, strings or booleans", type(k))
    end
    n = n + 1
    keys[n] = k
  end
  -- A plain array needs no sorting by comparison.
  if n == length then
    for i = 1, n do
      if rawget(t, i) == nil then
        table.sort(keys, before)
        return keys
      end
    end
    for i = 1, n do keys[i] = i end
    return keys
  end
  table.sort(keys, before)
  return keys
end

-- pairs() in order. Entries removed during the walk are skipped, entries added during it are not visited.
---@param t table
---@return fun(): any, any
function ordered.pairs(t)
  local meta = debug.getmetatable(t)
  if meta and meta.__pairs then return pairs(t) end
  if type(t) ~= "table" then fault.raise("pairs: a table is needed: got %s", type(t)) end
  local keys, i = ordered.keys(t), 0
  return function()
    while true do
      i = i + 1
      local k = keys[i]
      if k == nil then return nil end
      local v = rawget(t, k)
      if v ~= nil then return k, v end
    end
  end
end

-- next() in order: the entry after key k, or the first one.
---@param t table
---@param k any
---@return any, any
function ordered.next(t, k)
  if k == nil and next(t) == nil then return nil end
  local keys = ordered.keys(t)
  if k == nil then return keys[1], rawget(t, keys[1]) end
  for _, key in ipairs(keys) do
    if before(k, key) then return key, rawget(t, key) end
  end
  return nil
end

return ordered
