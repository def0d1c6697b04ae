-- tw.data: data sets, and what is done with them before training: splitting, standardising, mini-batches.
-- A data set is a plain table with n examples; every tensor in it whose first axis has size n counts the examples there.
local core = require "thalweg.core"
local fault = require "thalweg.fault"
local options = require "thalweg.options"

local data = { csv = require "thalweg.data.csv" }

local function check_generator(what, rng)
  if type(rng) ~= "userdata" then
    fault.raise('%s: a generator is needed: rng is %s; give run:rng("%s")', what, options.show(rng), what:match("%w+$"))
  end
end

-- The data set of some examples: tensors that count examples are gathered by the index, all else is carried over.
-- example:
-- local iris = tw.data.csv("iris.csv", { target = "species" })
-- tw.data.subset(iris, tw.tensor({ 1, 51, 101 }, { dtype = "i64" })).y --> i64[3] [1 2 3]
---@param d thalweg.Dataset
---@param index thalweg.Tensor i64 [m], 1-based
---@return thalweg.Dataset
function data.subset(d, index)
  local out = {}
  for k, v in next, d do
    if type(v) == "userdata" and v.ndim >= 1 and v.shape[1] == d.n then v = v:index_select(1, index) end
    out[k] = v
  end
  out.n = index.shape[1]
  return out
end

-- split(n | dataset, fractions, rng) -> part, part, ...
-- Splits 1..n, or a data set, at random into disjoint parts. Part sizes are the differences of the rounded cumulative sums, so that
-- they add up; fractions that sum to less than 1 leave examples unused. An empty part is an error.
-- example:
-- local iris = tw.data.csv("iris.csv", { target = "species" })
-- local train, validation, test = tw.data.split(iris, { 0.7, 0.1, 0.2 }, tw.rng(1, "split"))
-- train.n, validation.n, test.n --> 105  15  30
-- tw.data.split(4, { 0.5, 0.5 }, tw.rng(1)) --> i64[2] [3 4]  i64[2] [2 1]
---@param what integer|thalweg.Dataset
---@param fractions number[] each positive, sum at most 1
---@param rng thalweg.Generator draws one permutation of n
---@return any ... i64 index tensors for a number, data sets for a data set
function data.split(what, fractions, rng)
  local n = type(what) == "table" and what.n or what
  if math.type(n) ~= "integer" or n < 1 then fault.raise("data.split: a count or a data set is needed: got %s", options.show(what)) end
  check_generator("data.split", rng)
  if type(fractions) ~= "table" or #fractions == 0 then
    fault.raise("data.split: fractions are needed: got %s; write { .7, .1, .2 }", options.show(fractions))
  end
  local order, parts, sum, first = rng:permutation(n), {}, 0, 0
  for i, fraction in ipairs(fractions) do
    if type(fraction) ~= "number" or not (fraction > 0) then
      fault.raise("data.split: wrong fraction: number %d is %s; it must be positive", i, options.show(fraction))
    end
    sum = sum + fraction
    if sum > 1 + 1e-9 then fault.raise("data.split: the fractions sum to more than 1: up to number %d they are %s", i, options.show(sum)) end
    local last = math.min(n, math.floor(sum * n + 0.5))
    if last == first then fault.raise("data.split: an empty part: number %d is %s of %d examples", i, options.show(fraction), n) end
    local index = order:narrow(1, first + 1, last - first)
    parts[i] = type(what) == "table" and data.subset(what, index) or index
    first = last
  end
  return table.unpack(parts)
end

local standardize_fields = {
  { name = "scale", type = "string", choices = { "feature", "common" }, default = "feature",
    about = "one standard deviation per feature, or one for all of them (features that share a unit, such as pixels)" },
}

-- standardize(dataset, ... [, {scale = "feature"}]) -> dataset, ...
-- Z-scores: every feature minus its mean, over its standard deviation (divided by n), both fitted on the first data set and applied to all.
-- scale = "common" divides all by the root of the mean variance. A constant feature keeps the scale 1. The results hold `mean` and `scale` [d].
-- Data sets with different numbers of features are an error.
-- formula: (x - mean) / sqrt(1/n sum (x - mean)^2)
-- example:
-- local a, b = tw.data.standardize({ n = 2, x = tw.tensor{ {1, 5}, {3, 5} } }, { n = 1, x = tw.tensor{ {4, 6} } })
-- b.x, a.scale --> f64[1 2]
--              --> [[2 1]]  f64[2] [1 1]
---@param ... thalweg.Dataset|table data sets; the last argument may be the options { scale = "feature" | "common" }
---@return thalweg.Dataset ...
function data.standardize(...)
  local sets = table.pack(...)
  local o = sets[sets.n]
  if sets.n > 1 and type(o) == "table" and rawget(o, "x") == nil then sets.n = sets.n - 1 else o = nil end
  o = options.check("data.standardize", standardize_fields, o)
  for i = 1, math.max(sets.n, 1) do
    local x = type(sets[i]) == "table" and rawget(sets[i], "x")
    if type(x) ~= "userdata" then fault.raise("data.standardize: data sets are needed: argument %d is %s", i, options.show(sets[i])) end
    if x.ndim ~= 2 or x.shape[2] ~= sets[1].x.shape[2] then
      fault.raise("data.standardize: feature counts differ: argument 1 has %d, argument %d has %d", sets[1].x.shape[2], i, x.shape[2] or 0)
    end
  end
  local fit = sets[1].x
  local mean = fit:mean(1)
  local centred = fit - mean
  local variance = (centred * centred):mean(1)
  if o.scale == "common" then variance = variance * 0 + variance:mean() end
  local deviation = variance:sqrt()
  local scale = core.where(deviation:eq(0), 1, deviation)
  for i = 1, sets.n do
    local out = {}
    for k, v in next, sets[i] do out[k] = v end
    out.x, out.mean, out.scale = (sets[i].x - mean) / scale, mean, scale
    sets[i] = out
  end
  return table.unpack(sets, 1, sets.n)
end

local batch_fields = {
  { name = "n", type = "integer", min = 1, about = "examples" },
  { name = "size", type = "integer", min = 1, about = "examples per batch" },
  { name = "rng", type = "any", optional = true, about = "generator that reshuffles every epoch; none: the order 1..n" },
  { name = "replace", type = "boolean", default = false, about = "an epoch is n independent draws, with replacement, instead of an order of all n examples" },
  { name = "drop_last", type = "boolean", default = false, about = "leave out an epoch's last batch when it is smaller" },
  { name = "epochs", type = "integer", min = 1, optional = true, about = "how many; endless by default" },
}

-- batches{ n, size, rng = nil, replace = false, drop_last = false, epochs = nil } -> iterator
-- Mini-batches: an iterator of i64 index tensors and the epoch's number, every example once per epoch, reshuffled for each; with replace = true each
-- place of each batch is any of the n examples. A batch larger than the data is an error, and so is replace without a generator.
-- example:
-- local next_batch = tw.data.batches{ n = 5, size = 2, rng = tw.rng(1, "batches") }
-- next_batch() --> i64[2] [1 3]  1
-- for i, epoch in tw.data.batches{ n = 5, size = 2, epochs = 1, drop_last = true } do print(i, epoch) end --> i64[2] [1 2]  1
--                                                                                                         --> i64[2] [3 4]  1
---@param o { n: integer, size: integer, rng?: thalweg.Generator, replace?: boolean, drop_last?: boolean, epochs?: integer }
---@return fun(): thalweg.Tensor|nil, integer index i64 [at most size], epoch 1, 2, ...
function data.batches(o)
  o = options.check("data.batches", batch_fields, o)
  if o.rng ~= nil then check_generator("data.batches", o.rng) end
  if o.replace and o.rng == nil then fault.raise('data.batches: replace needs a generator: rng is nil; give run:rng("batches")') end
  local n, size = o.n, o.size
  if size > n then fault.raise("data.batches: a batch is larger than the data: size is %d, n is %d", size, n) end
  local last = o.drop_last and n - n % size or n
  local order, at, epoch
  local function shuffle()
    epoch, at = (epoch or 0) + 1, 0
    -- The order outlives whatever scope the first batch is taken in.
    if o.rng then
      order = (o.replace and o.rng:randint(1, n, n) or o.rng:permutation(n)):keep()
    elseif not order then
      local all = {}
      for i = 1, n do all[i] = i end
      order = core.tensor(all, { dtype = "i64" }):keep()
    end
  end
  return function()
    if not order or at >= last then
      if o.epochs and (epoch or 0) >= o.epochs then return nil end
      shuffle()
    end
    local count = math.min(size, last - at)
    local index = order:narrow(1, at + 1, count)
    at = at + count
    return index, epoch
  end
end

return data
