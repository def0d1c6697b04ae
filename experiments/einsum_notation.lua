#!/usr/bin/env thalweg
-- Can index notation be computed as it is written? x^i = G^i_j y^j is a matrix, x^(ab) = G^(ab)_(cd) y^(cd) a 4-D operator on images, x^i = G^i_(cd) y^(cd)
-- takes an image to a vector. Each equals plain loops over all indices, and so does its derivative in every operand. A chain taken in pairs costs far less.
-- rows: E9 E10
-- plot: thalweg plot runs/einsum_notation.h5 work --x product --by way --log y
local tw = require "thalweg"
local digits = tw.data.csv("digits.csv", { target = "digit" })

local size = { a = 8, b = 8, c = 8, d = 8, i = 5, j = 8, k = 3, l = 4 } -- what each letter counts to
local products = { -- the last operand is the image, or a row of it
  covector = "j,j->", matrix = "ij,j->i", trace = "cc->", outer = "i,j->ij", operator_4d = "abcd,cd->ab", image_to_vector = "icd,cd->i",
  change_of_basis = "ka,lb,ab->kl", chain = "ij,jk,kc,cd->id",
}
local names = { "covector", "matrix", "trace", "outer", "operator_4d", "image_to_vector", "change_of_basis", "chain" }
local function sizes_of(part)
  local shape = {}
  for n = 1, #part do shape[n] = size[part:sub(n, n)] end
  return shape
end
-- The definition: for all values of all letters, one element of each operand multiplied and added to one of the result.
local function loops(parts, result, operands)
  local letters, at, flat, sums, count = {}, {}, {}, tw.zeros(sizes_of(result)):reshape(-1):table(), 1
  for letter in (result .. table.concat(parts)):gmatch("%a") do
    if not at[letter] then at[letter], letters[#letters + 1], count = 1, letter, count * size[letter] end
  end
  local function place(part)
    local p = 1
    for letter in part:gmatch("%a") do p = (p - 1) * size[letter] + at[letter] end
    return p
  end
  for i, x in ipairs(operands) do flat[i] = x:reshape(-1):table() end
  for term = 0, count - 1 do
    local product = 1
    for _, letter in ipairs(letters) do at[letter], term = term % size[letter] + 1, term // size[letter] end
    for i, part in ipairs(parts) do product = product * flat[i][place(part)] end
    sums[place(result)] = sums[place(result)] + product
  end
  return tw.tensor(sums):reshape(sizes_of(result)), count
end

return tw.experiment {
  name = "einsum_notation",
  about = "Does Einstein's notation, computed as it is written, equal loops over the indices, with its derivatives?",
  units = { work = "multiplications" },
  params = { product = tw.space.choice(names), way = tw.space.choice { "as defined", "in pairs" } },

  run = function(run)
    local spec, rng, parts, operands, gap = products[run.params.product], run:rng("operands"), {}, {}, tw.tensor(0)
    local terms, result = spec:match("(.*)->(.*)")
    for part in terms:gmatch("%a+") do parts[#parts + 1], operands[#operands + 1] = part, rng:normal(sizes_of(part)) end
    local image = digits.x[rng:randint(1, digits.n)]:reshape(8, 8) / 16
    operands[#parts] = operands[#parts].ndim == 1 and image[4]:clone() or image
    local function einsum(...) return tw.einsum(spec, ...) end
    local counts, fast = tw.count(einsum, table.unpack(operands))
    local slow, count = loops(parts, result, operands)
    local function compare(a, b) gap = tw.maximum(gap, (a - b):norm() / b:norm()) end
    local weights = rng:normal(fast.shape)
    compare(fast, slow)
    local cotangents = { select(2, tw.vjp(einsum, table.unpack(operands)))(weights) }
    for i, part in ipairs(parts) do -- the result's cotangent in the operand's stead
      local rest, others = table.move(parts, 1, #parts, 1, {}), table.move(operands, 1, #parts, 1, {})
      rest[i], others[i] = result, weights
      compare(cotangents[i], (loops(rest, part, others)))
    end
    run:log { gap = gap, work = run.params.way == "in pairs" and counts.multiply_adds + counts.elements or count * math.max(1, #parts - 1) }
    if result == "ab" then run:result { as_printed = ((tw.einsum("abcc,cd->ab", table.unpack(operands)) - slow):norm() / slow:norm()):item() } end
  end,

  claims = function(sweep, claim)
    for _, group in ipairs(sweep:group_by("product")) do
      local text = group[1] .. ", " .. products[group[1]] .. ", and its derivatives"
      claim(text, group.sweep:values("gap"), "<=", 1e-12, { why = "rounding of sums in another order" })
    end
    claim("the 4-D operator as E prints it, off by", sweep:where { product = "operator_4d" }:values("as_printed"), ">", 0.1,
      { unit = "of the result", printed = "x^(i1 i2) = G^(i1 i2)_(j1 j1) y^(j1 j2)", why = "a tenth: no rounding",
        erratum = "G's second lower index must be j2: j1 twice takes a diagonal of G and leaves j2 to sum y alone" })
    local function work(way) return sweep:where { product = "chain", way = way }:final("work") end
    claim("chain: multiplications in pairs over those of the definition", work "in pairs" / work "as defined", "<", 0.1, { why = "a tenth" })
  end,
}
