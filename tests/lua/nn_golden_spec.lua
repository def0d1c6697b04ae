-- Operations of neural networks against PyTorch in f64 (tests/golden/make_nn.py says what was computed): values, and the gradients of
-- sum(weights * value) with respect to every input. Both sides round differently: 1e-13 of the largest entry (about 500 roundings) is asked for.
local test = require "spec"
local tw = require "thalweg"
local golden = require "golden.nn"

local function made(t) return tw.tensor(table.move(t, 1, #t, 1, {}), { dtype = t.dtype }):reshape(t.shape) end

local function close(got, want, note)
  test.eq(got.shape, want.shape, note .. ": shape")
  local scale, flat = 1, got:reshape(-1):table()
  for i = 1, #want do scale = math.max(scale, math.abs(want[i])) end
  for i = 1, #want do test.near(flat[i], want[i], 1e-13 * scale, note .. ", element " .. i) end
end

-- How each operation takes its inputs.
local call = {
  conv1d = function(i, o) return tw.conv1d(i.x, i.w, i.b, o) end,
  conv2d = function(i, o) return tw.conv2d(i.x, i.w, i.b, o) end,
  max_pool = function(i, o, size) return tw.max_pool(i.x, size, o) end,
  avg_pool = function(i, o, size) return tw.avg_pool(i.x, size, o) end,
  softmax = function(i, _, axis) return i.x:softmax(axis) end,
  log_softmax = function(i, _, axis) return i.x:log_softmax(axis) end,
  layer_norm = function(i, o) return tw.layer_norm(i.x, i.w, i.b, o) end,
  batch_norm = function(i, o) return tw.batch_norm(i.x, i.mean, i.var, i.w, i.b, o) end,
  embedding = function(i) return tw.embedding(i.index, i.w) end,
}
for _, name in ipairs { "mse", "l1", "huber", "bce", "bce_with_logits", "hinge", "kl", "nll", "cross_entropy" } do
  call[name] = function(i, o) return tw[name](i.a, i.b, o) end
end

local counts = {}
for _, case in ipairs(golden) do
  counts[case.op] = (counts[case.op] or 0) + 1
  test("PyTorch agrees on " .. case.op .. " " .. counts[case.op], function()
    local inputs, given = {}, {}
    for name, t in next, case.inputs do
      inputs[name] = made(t)
      if case.grads[name] then given[name] = inputs[name] end
    end
    local size = case.value.shape
    local loss, grads, value = tw.value_and_grad(function(p)
      local all = {}
      for name, t in next, inputs do all[name] = p[name] or t end
      local y = call[case.op](all, case.options, case.size)
      local n, weights = y.size, {}
      for i = 1, n do weights[i] = 0.5 + 0.37 * ((i - 1) % 7) end
      return (tw.tensor(weights):reshape(size) * y):sum(), y
    end)(given)
    test.ok(loss:item() == loss:item())
    close(value, case.value, "value")
    for name, want in next, case.grads do close(grads[name], want, "gradient of " .. name) end
    for name, want in next, case.after or {} do close(inputs[name], want, name .. " afterwards") end
  end)
end

test("every operation was compared", function()
  for name in next, call do test.ok(counts[name], name) end
end)

test.close()
