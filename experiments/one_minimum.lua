#!/usr/bin/env thalweg
-- "If d <= n, there is a single minimum": is there? Not by counting: 20 ReLU features of a single input have rank about 10 on 20 examples, since a feature
-- whose kink lies outside the data is a straight line there. The least loss is then reached on a whole plane: here two far points of it are compared.
-- With ten inputs the same features have full rank, and d <= n does give one minimum.
-- rows: C4
-- plot: thalweg plot runs/one_minimum.h5 rank --x d --by inputs --log none
local tw = require "thalweg"
local space = tw.space
local n = 20

return tw.experiment {
  name = "one_minimum",
  about = "Does least squares on d <= n random features have a single minimum?",
  params = { inputs = space.choice { 1, 10 }, d = space.choice { 5, 10, 15, 20 } },
  lanes = { "seed" },
  repeats = 60,
  objective = { metric = "rank" },

  run = function(run)
    local d, inputs = run.params.d, run.params.inputs
    local rng = run:rng("features")
    local a, b = rng:normal(20, inputs)[{ { 1, d } }], rng:split("offset"):normal(20)[{ { 1, d } }]
    local x = run:rng("x"):uniform(n, inputs, { low = -1, high = 1 })
    local y = run:rng("y"):normal(n)
    local h = (x:matmul(a:t()) + b):relu()

    local _, s, vt = tw.linalg.svd(h)
    local full = s:gt(n * 2.0 ^ -52 * s[1]):to("f64") -- 1 for each singular value that counts
    local shortest = tw.linalg.pinv(h):matmul(y)
    local other = shortest + ((1 - full) * shortest:norm()):matmul(vt) -- as far again along each direction that h does not see
    local function loss(beta) return (h:matmul(beta) - y):square():mean() end
    local length = shortest:norm()
    local out = { rank = full:sum(), length = length, loss = loss(shortest), other_loss = loss(other), apart = (other - shortest):norm() / length }
    if inputs == 1 then
      local kink = (-b / a:reshape(-1))
      out.kinks_inside = tw.logical_and(kink:gt(x:min()), kink:lt(x:max())):to("f64"):sum()
    end
    run:log(out)
  end,

  claims = function(sweep, claim)
    local line, wide = sweep:where { inputs = 1 }, sweep:where { inputs = 10 }
    local square = line:where { d = 20 }
    claim("one input, d = n = 20: median rank", square:median("rank"), "<", 20, { seeds = 60, why = "full column rank", printed = "d <= n: a single minimum",
      erratum = "that holds where H has full column rank; features of one input do not have it" })
    claim("rank against the kinks that lie inside the data, every run", line:values(function(one) return one:final("rank") - one:final("kinks_inside") end),
      "<=", 2, { seeds = 60, why = "all other features are straight lines there: they span two dimensions at most" })
    claim("two minima, d = n = 20: distance in lengths of the shortest", square:median("apart"), ">=", 1, { seeds = 60, why = "one step of that length" })
    local function difference(one) return math.abs(one:final("other_loss") - one:final("loss")) / (1 + one:final("length")) end
    claim("and the difference of their losses, over the length", square:values(difference), "<=", 1e-13,
      { seeds = 60, why = "rounding of products of weights that long" })
    for _, group in ipairs(wide:group_by("d")) do
      claim("ten inputs, rank at d = " .. group[1], group.sweep:median("rank"), "==", group[1], { seeds = 60, why = "full column rank" })
    end
  end,
}
