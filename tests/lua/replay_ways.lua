-- What the specs of replay share: data, parameters, the bits of what a step gave, and steps replayed beside steps worked out anew.
local test = require "spec_lanes"
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

-- make() -> f(params, i, state), params: n steps both ways; state is the script's own between steps, `watch` what must stay as it is. Errors are compared too.
local function both(n, make, replayed, kind, options)
  local rows, engine = {}, nil
  for _, how in ipairs { "replayed", "anew" } do
    local f, p = make()
    local opt = tw.optim[kind or "adam"](p, options or { lr = 0.05 })
    local state, row = { watch = {} }, {}
    for i = 1, n do
      local function g(x) return f(x, i, state, opt) end
      local ok, result = pcall(function()
        if how == "replayed" then return bits(opt:step(g)) end
        local got = table.pack(tw.value_and_grad(g)(p))
        local grads = table.remove(got, 2)
        local text = bits(table.unpack(got, 1, got.n - 1))
        opt:update(grads)
        return text
      end)
      row[i] = { ok, ok and result or tostring(result):gsub("^.-: ", ""), bits(p), bits(state.watch) }
    end
    rows[how] = row
    engine = engine or opt.engine
  end
  for i = 1, n do test.eq(rows.replayed[i], rows.anew[i], "step " .. i) end
  test.eq(engine:replayed(), replayed, "replayed")
end

return { X = X, weights = weights, each = each, bits = bits, both = both }
