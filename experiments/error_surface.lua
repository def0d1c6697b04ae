#!/usr/bin/env thalweg
-- What does the error surface look like, and how do optimizers cross it? The mean squared error of a linear model of diabetes progression has eleven
-- parameters; one sees the slice through its minimum along two directions (two parameters, two eigenvectors of the Hessian, or two random ones) and the
-- paths of gradient descent and momentum, projected onto it. Along the eigenvectors the ellipses stand upright and the paths stay in the plane; elsewhere
-- one sees shadows of paths that leave it.
-- rows: A3 E5
-- plot: thalweg plot runs/error_surface.h5 surface_f --kind surface --trace path --where 'directions=="eigenvectors"' --by optimizer
local tw = require "thalweg"
local space, optim = tw.space, tw.optim

local diabetes = tw.data.standardize(tw.data.csv("diabetes.csv", { target = "progression", kind = "number" }))
local x = tw.cat({ diabetes.x, tw.ones(diabetes.n, 1) }, 2)
local y = (diabetes.y - diabetes.y:mean()) / diabetes.y:std()
local d, side, plain_gd = x.shape[2], 41, optim.sgd { lr = 0.45 }

local function error_of(w) return 0.5 * tw.mse(x:matmul(w), y) end

local function plane(kind, axes, rng) -- two orthonormal columns [d 2]
  if kind == "parameters" then return tw.eye(d)[{ {}, { 3, 4 } }] end -- of the body mass index and the blood pressure
  if kind == "eigenvectors" then return tw.stack({ axes[{ {}, 4 }], axes[{ {}, d }] }, 2) end
  return (tw.linalg.qr(rng:normal(d, 2)))
end

return tw.experiment {
  name = "error_surface",
  about = "slices of the error surface of a linear model on diabetes data, with the paths of optimizers across them",
  units = { loss = "1", surface_f = "1", path = "1", off = "1" },
  params = {
    directions = space.choice { "parameters", "eigenvectors", "random" }, optimizer = space.choice { plain_gd, optim.sgd { lr = 0.1, momentum = 0.9 } },
    steps = 300,
  },

  run = function(run)
    local p = run.params
    local minimum = tw.linalg.lstsq(x, y)
    local eigenvalues, axes = tw.linalg.eigh(tw.hessian(error_of)(minimum))
    local slice = plane(p.directions, axes, run:rng "directions")
    local ticks = tw.linspace(-1, 1, side)
    -- All points of the grid at once: the error as a function of two coordinates, mapped over both.
    local grid = tw.vmap(function(b)
      return tw.vmap(function(a) return error_of(minimum + slice:matmul(tw.stack { a, b })) end)(ticks)
    end)(ticks)
    run:log("surface", { f = grid, x = ticks, y = ticks })
    run:log("plane", { minimum = minimum, slice = slice, eigenvalues = eigenvalues })
    local w = minimum + slice:matmul(tw.tensor { -0.9, 0.8 })
    local opt = p.optimizer:new(w)
    for _ = 0, p.steps do
      local path = slice:t():matmul(w - minimum)
      run:log { loss = error_of(w), path = path, off = tw.norm(w - minimum - slice:matmul(path)) }
      opt:step(error_of)
    end
  end,

  claims = function(sweep, claim)
    local hessian = x:t():matmul(x) / diabetes.n
    local plain = sweep:where { optimizer = plain_gd }
    for _, group in ipairs(plain:group_by "directions") do
      local kind, run = table.unpack(group)
      local grid, ticks = run:final "surface_f", run:final "surface_x"
      local minimum, slice = tw.tensor(run:final "plane_minimum"), tw.tensor(run:final "plane_slice"):reshape(d, 2)
      local one_by_one, form, least = {}, {}, error_of(minimum):item()
      for k = 1, side * side do
        local step = slice:matmul(tw.tensor { ticks[(k - 1) % side + 1], ticks[(k - 1) // side + 1] })
        one_by_one[k] = error_of(minimum + step):item()
        form[k] = least + 0.5 * step:dot(hessian:matmul(step)):item()
      end
      claim("the grid is f, point by point: " .. kind, grid, "~", one_by_one, { rel = 1e-12, why = "f evaluated alone at the recorded points" })
      claim("and the quadratic form of X'X/n: " .. kind, grid, "~", form, { rel = 1e-12, why = "f is quadratic: f* + s'Hs/2 without any derivative" })
    end
    local run = plain:where { directions = "eigenvectors" }
    local eigenvalues, path = run:final "plane_eigenvalues", run:trace "path"
    for i, lambda in ipairs { eigenvalues[4], eigenvalues[d] } do
      local measured, expected = {}, {}
      for t, p in ipairs(path) do measured[t], expected[t] = p[i], (1 - 0.45 * lambda) ^ (t - 1) * path[1][i] end
      claim(("gradient descent along the axis of %.4f"):format(lambda), measured, "~", expected, { abs = 1e-12, why = "(1 - lr lambda)^t, 300 roundings" })
    end
    claim("the path stays in the plane of eigenvectors", run:trace "off", "<", 1e-12, { why = "300 roundings" })
    claim("and leaves a random plane", plain:where { directions = "random" }:max("off", { at = "max" }), ">", 0.01, { why = "H turns it out of the plane" })
  end,
}
