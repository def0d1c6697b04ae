-- First-order optimizers against published numbers: short runs, probes that tell conventions apart, a case where Adam fails, and Optax's own test.
local test = require "spec"
local tw = require "thalweg"

local weights = tw.tensor { .1, 2 }

local function valley(name, options, steps)
  local p = tw.tensor { -5, -2 }
  local opt = tw.optim[name](p, options)
  for _ = 1, steps do opt:step(function(q) return (weights * q ^ 2):sum() end) end
  return p:table()
end

-- f = .1 x1^2 + 2 x2^2 from (-5, -2): after 1 step, after 20. Recomputed in f64 from the libraries' equations, to be trusted to 1e-12.
local short = {
  { "sgd", { lr = .4 }, -4.6, 1.2000000000000002, -0.9434666458139824, -7.312316880125978e-05 },
  { "sgd", { lr = .1, momentum = .9 }, -4.9, -1.2, 1.3533566908039514, -0.4658126035710938 },
  { "sgd", { lr = .1, momentum = .9, nesterov = true }, -4.81, -0.48, 1.0735372078572192, 0.0007303880571081387 },
  { "sgd", { lr = .1, momentum = .9, dampening = .9 }, -4.9, -1.2, -3.1720397842430086, -0.44146770472945196 }, -- Torch7's default
  { "sgd", { lr = .1, momentum = .9, weight_decay = .01 }, -4.895, -1.198, 1.4512274845266582, -0.45605768435342625 },
  { "adagrad", { lr = .4 }, -4.60000000004, -1.600000000005, -2.3825623944617504, -0.15859054773471837 },
  { "rmsprop", { lr = .1 }, -4.0000000999999905, -1.0000000125000004, -0.3590145970372143, -1.1062924805401642e-05 },
  { "rmsprop", { lr = .1, momentum = .9 }, -4.0000000999999905, -1.0000000125000001, -1.4089094799078252, -0.08776434677761774 },
  { "rmsprop", { lr = .1, centered = true }, -3.994962285750879, -0.9949621973670508, -0.3178571814750958, -8.440153805979152e-06 },
  { "adadelta", { lr = 1, rho = .9, eps = 1e-6 }, -4.996837738151101, -1.9968377225868845, -4.930470233413441, -1.9309858854811341 },
  { "adam", { lr = .1 }, -4.9000000009999995, -1.900000000125, -3.060338905675383, -0.22245242845196034 },
  { "adam", { lr = .1, eps_at = "hat" }, -4.900000031622767, -1.9000000039528468, -3.060339128052495, -0.22245245218959805 },
  { "adam", { lr = .1, eps = 1e-2 }, -4.900990099009901, -1.9001248439450686, -3.080692985011796, -0.22474370718483033 },
  { "adam", { lr = .1, eps = 1e-2, eps_at = "hat" }, -4.924025307335204, -1.903802538541682, -3.2702068737984633, -0.24801385713592414 },
  { "amsgrad", { lr = .1 }, -4.9000000009999995, -1.900000000125, -3.060338905675383, -0.22245242845196034 },
  { "adam", { lr = .1, weight_decay = .01 }, -4.900000000952381, -1.9000000001246882, -3.0603389046948983, -0.22245242844623822 },
  { "adamw", { lr = .1, weight_decay = .01 }, -4.895000001, -1.898000000125, -2.98321594324323, -0.20602205647766453 },
  { "adamax", { lr = .1 }, -4.9000000009999995, -1.900000000125, -3.2102061616390314, -0.5096113956118127 },
  { "nadam", { lr = .1 }, -4.894354823220913, -1.8943548222965176, -3.3942277180214804, -0.5936970665860077 },
  { "radam", { lr = .1 }, -4.9, -1.2, -4.42270556420411, 0.47763491591899787 },
  { "yogi", { lr = .1, convention = "d2l" }, -4.9000999000999, -1.9000124984376954, -3.067276123143876, -0.22714296741859624 },
  { "lion", { lr = .1 }, -4.9, -1.9, -3.0000000000000027, 6.38378239159465e-16 },
  { "rprop", { lr = .01 }, -4.99, -1.99, -3.1331200037762628, -0.13312000377626287 },
}
for _, row in ipairs(short) do
  local name, o = row[1], row[2]
  local words = {}
  for k, v in next, o do words[#words + 1] = k .. " = " .. tostring(v) end
  table.sort(words)
  test(("%s with %s gives the recomputed numbers"):format(name, table.concat(words, ", ")), function()
    local first, last = valley(name, o, 1), valley(name, o, 20)
    for i = 1, 2 do
      test.near(first[i], row[2 + i], 1e-12, "step 1")
      test.near(last[i], row[4 + i], 1e-12, "step 20")
    end
  end)
end

-- Zhang et al., Dive into Deep Learning, 12.7 and 12.8: printed to six digits, recomputed in f64; 20 steps.
test("adagrad and rmsprop end where Dive into Deep Learning prints", function()
  for _, row in ipairs {
    { "adagrad", { convention = "d2l", lr = .4 }, -2.382562771979649, -.15859055003666966 },
    { "adagrad", { convention = "d2l", lr = 2 }, -.002295340252192116, -1.43e-162 },
    { "rmsprop", { convention = "d2l", lr = .4 }, -.01059867213411372, 1.036e-14 },
  } do
    local x = valley(row[1], row[2], 20)
    test.near(x[1], row[3], 1e-13 * math.abs(row[3]))
    test.near(x[2], row[4], 5e-4 * math.abs(row[4]) + 1e-15)
  end
end)

local function probe(name, options, from, gradient)
  local p = tw.tensor { from }
  local opt = tw.optim[name](p, options)
  for t = 1, 10 do opt:update(tw.tensor { gradient(t) }) end
  return p:table()[1]
end

test("a probe tells the three AMSGrads and Adam apart", function()
  local function spike(t) return t == 1 and 10 or .1 end
  for _, row in ipairs {
    { "amsgrad", nil, -.4052615723497155 },
    { "amsgrad", "keras", -.4052615717543553 },
    { "amsgrad", "ensmallen", -.4052615717543553 },
    { "amsgrad", "optax", -.26605324630798816 },
    { "adam", nil, -.47839613232822703 },
  } do
    local o = { lr = .1, beta1 = .9, beta2 = .9, eps = 1e-8, convention = row[2] }
    test.near(probe(row[1], o, 0, spike), row[3], 1e-14, row[1] .. " " .. tostring(row[2]))
  end
end)

test("a probe tells coupled from decoupled weight decay", function()
  local function zigzag(t) return t % 2 == 1 and .01 or -.03 end
  test.near(probe("adam", { lr = .1, weight_decay = .1 }, 1, zigzag), .13080008503785617, 1e-14)
  test.near(probe("adamw", { lr = .1, weight_decay = .1 }, 1, zigzag), 1.1615830642888518, 1e-14)
  test.near(probe("adam", { lr = .1, weight_decay = .1, decay = "decoupled" }, 1, zigzag), 1.1615830642888518, 1e-14)
end)

-- A sigmoid neuron with binary cross-entropy; x = 3.5, y = .5, w = b = -2. A lecture prints sigma(-4) and a step of .081 in the wrong direction.
test("one step of Adam on a neuron moves by the learning rate", function()
  local p = { w = tw.tensor(-2), b = tw.tensor(-2) }
  local opt = tw.optim.adam(p, { lr = .1, beta1 = .9, beta2 = .99, eps = 1e-8 })
  local _, yhat = opt:step(function(q)
    local out = tw.sigmoid(q.w * 3.5 + q.b)
    return -(0.5 * tw.log(out) + 0.5 * tw.log(1 - out)), out
  end)
  test.near(yhat:item(), 0.00012339457598623172, 1e-12)
  test.near(opt:grads().w:item(), -1.7495681189840482, 1e-12)
  test.near(opt:grads().b:item(), -0.49987660542401374, 1e-12)
  test.near(p.w:item(), -1.9000000005715696, 1e-12)
  test.near(p.b:item(), -1.9000000020004937, 1e-12)
end)

-- A lecture prints m = m / (1 - beta1): read to the letter, the next step averages the corrected number, and a constant gradient's average grows ninefold.
test("writing the corrected average back lets it grow without bound", function()
  local function average(o)
    local p = tw.tensor { 0 }
    local opt = tw.optim.adam(p, o)
    for _ = 1, 20 do opt:update(tw.tensor { 1 }) end
    return opt:state().slots.params.m:table()[1]
  end
  test.near(average { bias_correction = "constant" }, 1 - .9 ^ 20, 1e-14)
  local literal = average { bias_correction = "constant", write_back = true }
  test.near(literal, (9 ^ 20 - 1) / 8, 1e-13 * literal) -- 1 + 9 + 81 + ...
end)

-- Reddi, Kale and Kumar 2018: the optimum of the sum is -1.
test("on Reddi's example Adam ends at the worst point, AMSGrad and Yogi at the best", function()
  for _, rate in ipairs { .1, .5 } do
    for _, row in ipairs { { "adam", 1, 1e-3 }, { "amsgrad", -.999, 1e-3 }, { "yogi", -.998, 1e-3 } } do
      local p = tw.tensor { 0 }
      local opt = tw.optim[row[1]](p, { lr = rate * tw.schedule.inverse_power { alpha = .5, beta = 1 }, beta1 = 0, beta2 = .1, box_min = -1, box_max = 1 })
      local up, down = tw.tensor { 3 }, tw.tensor { -1 }
      for t = 1, 9000 do opt:update(t % 3 == 1 and up or down) end
      if rate == .1 then test.near(p:table()[1], row[2], row[3], row[1]) end
      test.ok(row[1] == "adam" and p:table()[1] > .99 or row[1] ~= "adam" and p:table()[1] < -.98, row[1] .. " ends at " .. p:table()[1])
    end
  end
end)

-- Optax's test of its aliases: 10 000 steps in f32, rtol = atol = 3e-2, with its learning rates where it has the method.
local alias = {
  { "sgd", { lr = 1e-3, momentum = .9 } }, { "adam", { lr = .1 } }, { "adamw", { lr = .1, convention = "optax" } }, { "adamax", { lr = .1 } },
  { "amsgrad", { lr = .1, convention = "optax" } }, { "yogi", { lr = .1, convention = "optax" } }, { "rprop", { lr = .1 } },
  { "adagrad", { lr = 1, convention = "optax" } }, { "adadelta", { lr = .1, convention = "optax" } },
  { "rmsprop", { lr = 5e-3, convention = "optax" } }, { "radam", { lr = 5e-3, convention = "optax" } },
  { "nadam", { lr = 1e-2, convention = "optax" } }, { "lion", { lr = 1e-2, convention = "optax" } },
  { "adabelief", { lr = 1e-2, convention = "optax" } }, { "signsgd", { lr = 1e-2 }, "parabola" }, { "signum", { lr = 1e-2 }, "parabola" },
  -- these have no alias
  { "asgd", { lr = 1e-3 } }, { "qhm", { lr = 1e-3 } }, { "qhadam", { lr = 1e-2 } },
}
local final = tw.tensor({ 1, -1, 1 }, { dtype = "f32" })
local targets = {
  parabola = { { -1, 10, 1 }, { 1, -1, 1 }, function(p) return ((p - final) ^ 2):sum() end },
  rosenbrock = { { 0, 0 }, { 1, 1 }, function(p) return (1 - p[1]) ^ 2 + 100 * (p[2] - p[1] ^ 2) ^ 2 end },
}
for _, row in ipairs(alias) do
  for _, name in ipairs { "parabola", "rosenbrock" } do
    if not row[3] or row[3] == name then
      test(("%s reaches the optimum of Optax's %s"):format(row[1], name), function()
        local target = targets[name]
        local p = tw.tensor(target[1], { dtype = "f32" })
        local opt = tw.optim[row[1]](p, row[2])
        for _ = 1, 10000 do opt:step(target[3]) end
        for i, v in ipairs(p:table()) do test.near(v, target[2][i], 3e-2 * (1 + math.abs(target[2][i]))) end
      end)
    end
  end
end

test.close()
