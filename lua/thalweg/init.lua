-- `local tw = require "thalweg"`: the core's functions and the Lua library behind one strict table. A name it does not have is an error.
local core = require "thalweg.core"
local options = require "thalweg.options"

-- What the core has for the library and the runner alone.
local internal = {
  num = true, sha256 = true, begin_run = true, end_run = true, memory = true, docs = true, optimizer = true, optimizer_kinds = true, optimizer_common = true,
  optimizer_define = true, rows = true, fail_allocation = true, in_lanes = true, lanes_in = true, lanes_out = true, lanes_begin = true, lanes_end = true,
  lanes = true, laned = true, is_laned = true, lane = true, lane_numbers = true, lanes_compact = true,
  lanes_failure = true, lanes_raise = true, author = true,
  linalg = true, blas = true, blas_core = true,
}

local tw = {}
for name, v in next, core do
  if not internal[name] then tw[name] = v end
end

-- What a script sees of a module.
local function face(name, ...)
  local module, out = require("thalweg." .. name), {}
  for _, k in ipairs { ... } do out[k] = module[k] end
  return options.seal("tw." .. name .. ".", out)
end

for name, f in next, (require "thalweg.transforms") do tw[name] = f end
tw.tree = face("tree", "map", "leaves", "flatten", "norm", "dot", "size")
tw.linalg = options.seal("tw.linalg.", core.linalg)
tw.experiment = require("thalweg.experiment").new
tw.space = face("space", "choice", "linear", "log", "range", "zip", "list")
tw.schedule = face("schedule", "constant", "piecewise", "step", "multistep", "interpolated", "exponential", "inverse_power", "polynomial", "inverse_time",
  "inverse_sqrt", "linear", "decay", "cosine", "cosine_annealing", "cosine_restarts", "warm_restarts", "cyclic", "onecycle", "warmup", "join", "sequential",
  "func", "lambda", "plateau", "reduce_on_plateau")
tw.nn = face("nn", "linear", "conv", "conv1d", "max_pool", "avg_pool", "batchnorm", "layernorm", "dropout", "embedding", "flatten",
  "relu", "tanh", "sigmoid", "gelu", "silu", "elu", "leaky_relu", "softplus", "sequential", "mlp")
tw.problems = face("problems", "beale", "booth", "himmelblau", "matyas", "three_hump_camel", "goldstein_price", "easom", "mccormick", "levy_n13", "branin",
  "bukin", "drop_wave", "eggholder", "rosenbrock", "colville", "wood", "ackley", "levy", "rastrigin", "styblinski_tang", "sphere", "schwefel", "zakharov",
  "quadratic", "quadratic_deep", "least_squares", "logistic_regression")
tw.data = face("data", "csv", "split", "subset", "standardize", "batches")
tw.stats = face("stats", "mean", "var", "sd", "se", "sd_se", "median", "quantile", "min", "max", "linear_fit", "ci", "paired",
  "t_cdf", "t_quantile", "normal_cdf", "normal_quantile", "binomial_cdf")
tw.open = require("thalweg.sweep").open
tw.optim = options.seal("tw.optim.", require "thalweg.optim")

return options.seal("tw.", tw)
