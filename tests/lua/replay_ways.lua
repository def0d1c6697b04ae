-- What the specs of replay share: data, parameters, and the bits of what a step gave.
local tw = require "thalweg"

local X = tw.tensor { { 0.1, 0.2, 0.3 }, { 0.4, -0.5, 0.6 }, { -0.7, 0.8, 0.9 }, { 1, -1.1, 1.2 } }
local function weights() return tw.tensor { { 0.5, -0.2 }, { 0.3, 0.8 }, { -0.4, 0.9 } } end

local function each(x, f)
  if tw.is_tensor(x) then f(x) return end
  if type(x) ~= "table" then return end
  local keys = {}
  for k in next, x do keys[#keys + 1] = k end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for _, k in ipairs(keys) do each(x[k], f) end
end

local function flatten(v, out)
  if type(v) == "table" then
    for i = 1, #v do flatten(v[i], out) end
  else
    out[#out + 1] = type(v) == "number" and string.format("%a", v) or tostring(v)
  end
end

local function bits(...) -- without a view: who looks must not be a holder
  local out = {}
  each({ ... }, function(t) flatten(t.ndim == 0 and t:item() or t:table(), out) end)
  return table.concat(out, " ")
end

return { X = X, weights = weights, each = each, bits = bits }
