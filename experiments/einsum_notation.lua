#!/usr/bin/env thalweg
-- Can index notation be computed as it is written? Indices that the result lacks are summed: x^i = G^i_j y^j is a matrix, x^(ab) = G^(ab)_(cd) y^(cd) a 4-D
-- operator on images, x^i = G^i_(cd) y^(cd) takes an image to a vector. Each equals plain loops over all indices, on handwritten digits, and so does its
-- derivative in every operand, where the result's cotangent stands in the operand's stead. Taken in pairs, a chain costs far less than its definition.
-- rows: E9 E10
-- plot: thalweg plot runs/einsum_notation.h5 work --x product --by way --log y
local tw = require "thalweg"
local digits = tw.data.csv("digits.csv", { target = "digit" })

local size = { a = 8, b = 8, c = 8, d = 8, i = 5, j = 8, k = 3, l = 4 } -- what each letter counts to; c, d and j run along an image's sides
local products = { -- operands, result; the last operand is the image, or a row of it
  covector = { { "j", "j" }, "" }, matrix = { { "ij", "j" }, "i" }, trace = { { "cc" }, "" }, outer = { { "i", "j" }, "ij" },
  operator_4d = { { "abcd", "cd" }, "ab" }, image_to_vector = { { "icd", "cd" }, "i" }, change_of_basis = { { "ka", "lb", "ab" }, "kl" },
  chain = { { "ij", "jk", "kc", "cd" }, "id" },
}

-- The definition: for all values of all letters, one element of each operand multiplied and added to one of the result.
local function loops(parts, result, operands, shape)
  local letters, at, flat, sums, count = {}, {}, {}, tw.zeros(shape):reshape(-1):table(), 1
  for letter in (result .. table.concat(parts)):gmatch("%a") do
    if not at[letter] then at[letter], letters[#letters + 1], count = 1, letter, count * size[letter] end
  end
  local function place(part)
    local p = 0
    for letter in part:gmatch("%a") do p = p * size[letter] + at[letter] - 1 end
    return p + 1
  end
  for i, x in ipairs(operands) do flat[i] = x:reshape(-1):table() end
  for term = 0, count - 1 do
    local product = 1
    for _, letter in ipairs(letters) do at[letter], term = term % size[letter] + 1, term // size[letter] end
    for i, part in ipairs(parts) do product = product * flat[i][place(part)] end
    local p = place(result)
    sums[p] = sums[p] + product
  end
  return tw.tensor(sums):reshape(shape), count
end

local function sizes_of(part)
  local shape = {}
  for letter in part:gmatch("%a") do shape[#shape + 1] = size[letter] end
  return shape
end

return tw.experiment {
  name = "einsum_notation",
  about = "Does Einstein's notation, computed as it is written, equal loops over the indices, with its derivatives?",
  units = { work = "multiplications" },
  params = {
    product = tw.space.choice { "covector", "matrix", "trace", "outer", "operator_4d", "image_to_vector", "change_of_basis", "chain" },
    way = tw.space.choice { "as defined", "in pairs" },
  },

  run = function(run)
    local parts, result = table.unpack(products[run.params.product])
    local rng, operands, gap = run:rng("operands"), {}, tw.tensor(0)
    for i, part in ipairs(parts) do operands[i] = rng:normal(sizes_of(part)) end
    local image = digits.x[rng:randint(1, digits.n)]:reshape(8, 8) / 16
    operands[#parts] = operands[#parts].ndim == 1 and image[4]:clone() or image

    local spec = table.concat(parts, ",") .. "->" .. result
    local slow, terms = loops(parts, result, operands, sizes_of(result))
    local counts, fast = tw.count(tw.einsum, spec, table.unpack(operands))
    local weights = rng:normal(fast.shape)
    local function compare(a, b) gap = tw.maximum(gap, (a - b):norm() / b:norm()) end
    compare(fast, slow)
    for i, part in ipairs(parts) do
      local rest, others = table.move(parts, 1, #parts, 1, {}), table.move(operands, 1, #parts, 1, {})
      local gradient = tw.grad(function(x)
        others[i] = x
        return (tw.einsum(spec, table.unpack(others)) * weights):sum()
      end)(operands[i])
      rest[i], others[i] = result, weights
      compare(gradient, (loops(rest, part, others, sizes_of(part))))
    end
    run:log { gap = gap, work = run.params.way == "in pairs" and counts.multiply_adds + counts.elements or terms * math.max(1, #parts - 1) }
    if result == "ab" then run:result { as_printed = ((tw.einsum("abcc,cd->ab", table.unpack(operands)) - slow):norm() / slow:norm()):item() } end
  end,

  claims = function(sweep, claim)
    for _, group in ipairs(sweep:group_by("product")) do
      local parts, result = table.unpack(products[group[1]])
      claim(("%s, %s->%s, and its derivatives"):format(group[1], table.concat(parts, ","), result), group.sweep:values("gap"), "<=", 1e-12,
        { why = "rounding of sums in another order" })
    end
    claim("the 4-D operator as E prints it, off by", sweep:where { product = "operator_4d" }:values("as_printed"), ">", 0.1,
      { unit = "of the result", printed = "x^(i1 i2) = G^(i1 i2)_(j1 j1) y^(j1 j2)", why = "a tenth: no rounding",
        erratum = "G's second lower index must be j2: j1 twice takes a diagonal of G and leaves j2 to sum y alone" })
    local chain = sweep:where { product = "chain" }
    claim("chain: multiplications in pairs over those of the definition", chain:where { way = "in pairs" }:final("work") /
      chain:where { way = "as defined" }:final("work"), "<", 0.1, { why = "a tenth: a sum of small products against the product of all sizes" })
  end,
}
