-- Replay under random programs: operations, events and what is kept are drawn; steps of opt:step and of a kept tw.value_and_grad are compared with the same
-- steps worked out anew.
local test = require "spec"
local tw = require "thalweg"
local ways = require "replay_ways"
local X, weights, bits = ways.X, ways.weights, ways.bits

local unary = { "tanh", "sin", "sigmoid", "relu", "softplus", "square", "abs", "neg" }
local binary = { "add", "sub", "mul", "maximum", "atan2", "hypot" }
local function apply(c, pool, number)
  local x, y = pool[c.a % #pool + 1], pool[c.b % #pool + 1]
  local op, n = c.op, #x.shape
  if op <= 5 then return tw[unary[c.c % #unary + 1]](x) end
  if op <= 8 then
    local same = bits(tw.tensor(x.shape)) == bits(tw.tensor(y.shape))
    return tw[binary[c.c % #binary + 1]](x, (same or y.size == 1) and y or number)
  end
  if op == 9 then return number - x * number end
  if op == 10 then return x:reshape(1, x.size):transpose() end
  if op == 11 then return x / (1 + y:square():mean()) end
  if op == 12 then return x * tw.stop_gradient(y:mean()) end
  if n == 0 then return x * number end
  if op == 13 then return x[{ { 1, (x.shape[1] + 1) // 2 } }] end
  if op == 14 then return n == 2 and x:transpose():reshape(x.size) or x:unsqueeze(1):expand(3, x.shape[1]) end
  if op == 15 then return x:max(-1) end
  if op == 16 then return (0.5 * x):prod(1, { keepdim = true }) end
  if op == 17 then return x:log_softmax(-1) end
  if op == 18 then return tw.cat({ x, x * number }, 1) end
  if op == 19 then return tw.where(x:gt(y:mean()), x, 0.1 * x) end
  if op == 20 then return n == 2 and x:matmul(x:transpose()) * 0.3 or x:sum(1) end
  if op == 21 then return x:cumsum(-1) * 0.3 end
  if op == 22 then return (0.4 * x):cumprod(1) end
  if op == 23 then return tw.layer_norm(x) end
  if op == 24 then return n == 2 and x:tril():triu(-1) or x:flip(1) end
  if op == 25 then return n == 2 and x:diag() or x end
  if op == 26 then return tw.conv1d(x:reshape(1, 1, x.size), tw.tensor { { { 0.5, -0.3 } } }, { padding = 1 }):reshape(x.size + 1) end
  if op == 27 then return tw.max_pool(x:reshape(1, 1, x.size), 1):reshape(x.size) end
  if op == 28 then return x:gather(1, x:argsort(1)) end
  return n == 2 and tw.linear(x, x:transpose(), x:sum(2), ({ "relu", "tanh", "sigmoid", "sin" })[c.b % 5]) * 0.2 or x
end

test("random programs with random events", function()
  local replays = 0
  for seed = 1, 120 do
    local r = tw.rng(seed, "program")
    local function whole(n) return r:randint(1, n):item() end
    local program, events = {}, whole(16) - 1
    for i = 1, 2 + whole(10) do program[i] = { op = whole(29), a = whole(1000), b = whole(1000), c = whole(1000) } end
    local rows = {}
    for _, way in ipairs { "step", "kept", "anew" } do
      local p = { weights(), tw.tensor { 0.3, -0.1 } }
      local current
      local kept_gradient = tw.value_and_grad(function(q) return current(q) end)
      local opt = tw.optim.adam(p, { lr = 0.05 })
      local row, kept, results = {}, {}, {}
      for step = 1, 14 do
        local e = tw.rng(seed * 100 + step, "events")
        local function now(event, odds) return events & event ~= 0 and e:randint(1, odds):item() == 1 end
        local function f(q)
          local data = X
          if now(1, 6) then data = X[{ { 1, 2 } }] end
          local pool = { q[1] * 1, q[2] * 1, data:matmul(q[1]) + q[2] }
          for _, c in ipairs(program) do
            local x = apply(now(2, 60) and { op = e:randint(1, 29):item(), a = c.a, b = c.b, c = c.c } or c, pool, 0.2 + 0.1 * (step % 5))
            pool[#pool + 1] = x
            if now(4, 20) then kept[#kept + 1] = (e:randint(1, 2):item() == 1 and x or tw.stop_gradient(x)):keep() end
            if now(8, 80) then error("planned") end
          end
          local loss = 0.01 * pool[3]:square():mean()
          for i = 4, #pool do loss = loss + (0.1 * pool[i]):tanh():mean() * i end
          if now(4, 3) then return loss, pool[#pool] end
          return loss
        end
        local ok, loss, more
        current = f
        if way ~= "step" then
          ok, loss, more = pcall(function()
            local l, g, m = (way == "kept" and kept_gradient or tw.value_and_grad(f))(p)
            opt:update(g)
            return l, m
          end)
        else
          ok, loss, more = pcall(opt.step, opt, f)
        end
        if not ok then test.ok(tostring(loss):find("planned", 1, true), loss) end
        if ok then results[step % 4 + 1] = { loss, more } end
        row[step] = { ok, bits(p), bits(kept), bits(results) }
        if step % 5 == 0 then kept = {} end
      end
      rows[#rows + 1] = row
      replays = replays + opt.engine:replayed()
    end
    test.eq(rows[1], rows[3], "program " .. seed)
    test.eq(rows[2], rows[3], "program " .. seed .. ", a kept tw.value_and_grad")
  end
  test.ok(replays > 700, "only " .. replays .. " replayed")
end)

test.close()
