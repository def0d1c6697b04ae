#!/usr/bin/env thalweg
-- Why scale the inputs? Least squares on measured flowers and wines, by gradient descent at its best constant step 2/(lambda_min + lambda_max).
-- Raw features give a long thin valley (condition number 8443 for iris, 4.6e8 for wine), z-scores a short one, whitened features a bowl: one step.
-- rows: A12
-- plot: thalweg plot runs/input_scaling.h5 excess --by data,scaling --where 'scaling!="whitened"' --log xy
local tw = require "thalweg"
local space = tw.space

local function whiten(x)
  local centred = x - x:mean(1)
  local u = tw.linalg.svd(centred)
  return u * tw.sqrt(tw.tensor(u.shape[1]))
end

local inputs = {
  raw = function(d) return d.x end,
  ["z-score"] = function(d) return tw.data.standardize(d).x end,
  whitened = function(d) return whiten(d.x) end,
}

return tw.experiment {
  name = "input_scaling",
  about = "How much does scaling the inputs shorten the way of gradient descent on measured data?",
  units = { excess = "of the first" },
  params = {
    data = space.choice { "iris", "wine" },
    scaling = space.choice { "raw", "z-score", "whitened" },
    steps = 40000,
    target = 1e-6,
  },
  objective = { metric = "excess" },

  run = function(run)
    local p = run.params
    local d = tw.data.csv(p.data .. ".csv", { target = p.data == "iris" and "species" or "cultivar", kind = "number" })
    local x = tw.cat({ tw.ones(d.n, 1), inputs[p.scaling](d) }, 2) -- a column of ones for the intercept
    local function loss(w) return 0.5 * (x:matmul(w) - d.y):square():mean() end

    local w = tw.zeros(x.shape[2])
    local spectrum = tw.linalg.eigvalsh(tw.hessian(loss)(w))
    local low, high = spectrum[1]:item(), spectrum[-1]:item()
    run:result { condition = high / low }
    local least = loss((tw.linalg.lstsq(x, d.y)))
    local first = loss(w) - least
    local opt = tw.optim.sgd(w, { lr = 2 / (low + high) })
    for step = 0, p.steps do
      local excess = (opt:step(loss) - least) / first
      local reached = excess:item() <= p.target
      if reached or step & (step - 1) == 0 then run:log { step = step, excess = excess } end -- at 0, 1, 2, 4, 8, ...
      if reached then
        run:result { steps = step }
        run:stop("converged")
      end
    end
  end,

  claims = function(sweep, claim)
    local numpy = { -- numpy.linalg.eigvalsh of X'X/n, and the steps that (1 - eta lambda_i)^(2 t) needs from there
      iris = { raw = { 8442.68015605439, 28635 }, ["z-score"] = { 140.88925232833938, 452 }, whitened = { 1, 1 } },
      wine = { raw = { 458868917.5383789 }, ["z-score"] = { 45.52083790144228, 146 }, whitened = { 1, 1 } },
    }
    for _, group in ipairs(sweep:group_by("data", "scaling")) do
      local data, scaling, runs = table.unpack(group)
      local condition, steps = table.unpack(numpy[data][scaling])
      claim(("condition number, %s, %s"):format(data, scaling), runs:median("condition"), "~", condition,
        { rel = math.max(1e-12, 4e-15 * condition), why = "NumPy's eigenvalues; their error is a few 2^-52 of the largest" })
      if steps then
        claim(("steps to 1e-6 of the first excess, %s, %s"):format(data, scaling), runs:median("steps"), "~", steps,
          { abs = 1, why = "the law of the eigenbasis; one step for rounding at the threshold" })
      else
        claim(("excess after 40000 steps, %s, %s"):format(data, scaling), runs:min("excess", { at = "min" }), ">", 1e-6,
          { why = "the law of the eigenbasis asks for 1.46e9 steps" })
      end
    end
  end,
}
