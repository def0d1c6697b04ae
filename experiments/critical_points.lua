#!/usr/bin/env thalweg
-- Where is the gradient zero, and what is there: a minimum, a maximum or a saddle? Newton's method solves grad f = 0 from a start, which it does near any
-- critical point; the eigenvalues of the automatic Hessian classify the point, unless one is zero. One sees the gradient vanish quadratically, except at
-- the degenerate points, and there the second derivative says nothing: x^4 has a minimum at 0, x^3 has none.
-- rows: A2 B1 B2 B3
-- plot: thalweg plot runs/critical_points.h5 grad_norm --by f,start --where 'f~="saddle"' --log y
local tw = require "thalweg"
local space = tw.space

local functions = {
  lecture = function(x) return x[1] ^ 2 + x[1] * (1 - x[2]) + x[2] ^ 2 - x[2] * x[3] + x[3] ^ 2 + x[3] end,
  saddle = function(x) return x[1] ^ 2 - x[2] ^ 2 end,
  quartic = function(x) return x[1] ^ 4 - 5 * x[1] ^ 2 - 3 * x[1] end,
  ["x^4"] = function(x) return x[1] ^ 4 end,
  ["x^3"] = function(x) return x[1] ^ 3 end,
}
local size = { lecture = 3, saddle = 2 }

return tw.experiment {
  name = "critical_points",
  about = "critical points found by Newton's method and classified by the eigenvalues of the Hessian",
  units = { grad_norm = "1" },
  params = {
    space.list { { f = "lecture", start = 1 }, { f = "saddle", start = 1 }, { f = "quartic", start = 2 }, { f = "quartic", start = -2 },
      { f = "quartic", start = 0 },
      { f = "x^4", start = 1 }, { f = "x^3", start = 1 } },
    steps = 60,
  },
  objective = { metric = "grad_norm" },

  run = function(run)
    local p = run.params
    local f = functions[p.f]
    local x = tw.full({ size[p.f] or 1 }, p.start)
    local opt = tw.optim.newton(x, {})
    for _ = 0, p.steps do
      run:log { grad_norm = tw.norm(tw.grad(f)(x)), x = x }
      opt:step(f)
    end
    local eigenvalues = tw.linalg.eigvalsh(tw.hessian(f)(x))
    local flat = eigenvalues:abs():lt(1e-6)
    -- The least that f rises at a distance of 0.01 along the axes: where the Hessian does not tell.
    local ring = tw.cat({ tw.eye(x.size), -tw.eye(x.size) }, 1) * 0.01
    local rise = tw.vmap(function(d) return f(x + d) - f(x) end)(ring)
    run:log("found", { eigenvalues = eigenvalues, value = f(x) })
    run:result { minus = eigenvalues:lt(0):logical_and(flat:logical_not()):to("f64"):sum():item(), zero = flat:to("f64"):sum():item(),
      least_rise = rise:min():item() }
  end,

  claims = function(sweep, claim)
    local function at(f, start) return sweep:where { f = f, start = start } end
    local lecture, saddle = at("lecture", 1), at("saddle", 1)
    claim("the lecture's minimiser", lecture:final("x"), "~", { -1, -1, -1 }, { abs = 1e-14, why = "three linear equations" })
    claim("its eigenvalues are all positive: a minimum", lecture:final("found_eigenvalues"), "~", { 2 - math.sqrt(2), 2, 2 + math.sqrt(2) },
      { rel = 1e-14, why = "the matrix (-1, 2, -1); the lecture prints .586, 2, 3.414 and calls the eigenvalues eigenvectors" })
    claim("x^2 - y^2 has a saddle at 0: eigenvalues", { saddle:final("found_eigenvalues[1]"), saddle:final("found_eigenvalues[2]") }, "~", { -2, 2 },
      { abs = 0, why = "closed form" })
    claim("one of its two directions goes down", saddle:values("minus"), "==", 1)
    for _, one in ipairs { { 2, 1.713939436185, -11.200334708696, 0, "minimum" }, { -2, -1.401771247841, nil, 0, "minimum" },
      { 0, -0.312168188344, nil, 1, "maximum" } } do
      local start, x, value, minus, kind = table.unpack(one, 1, 5)
      local run = at("quartic", start)
      claim(("x^4 - 5x^2 - 3x from %d: the %s"):format(start, kind), run:final("x[1]"), "~", x,
        { abs = 1e-12, why = "the root of 4x^3 - 10x - 3, twelve digits" })
      if value then claim("its value there", run:final("found_value"), "~", value, { abs = 1e-12, why = "twelve digits" }) end
      claim(("negative eigenvalues at the %s, from %d"):format(kind, start), run:values("minus"), "==", minus)
    end
    local fourth, third = at("x^4", 1), at("x^3", 1)
    claim("f'' = 0 at the critical points of x^4 and x^3", { fourth:median("zero"), third:median("zero") }, "==", 1)
    claim("x^4 has a minimum where f'' = 0: the least rise around", fourth:values("least_rise"), ">", 0, { printed = "f'' = 0 at a saddle point",
      why = "it rises by 0.01^4 on both sides", erratum = "f'' = 0 decides nothing: x^4 has a minimum at 0" })
    claim("x^3 has none: the least rise around", third:values("least_rise"), "<", 0)
    claim("Newton's error falls by 2/3 a step at the degenerate x^4", fourth:at("x[1]", 20) / fourth:at("x[1]", 19), "~", 2 / 3,
      { rel = 1e-14, why = "x - 4x^3/(12x^2)" })
  end,
}
