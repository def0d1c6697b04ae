-- Index expressions, einsum specs and arguments drawn at random, sensible and not: never a crash, always a result or a message. What is accepted is compared
-- with the meaning written out in Lua. Seeded; the sanitized build sees the same draws.
local test = require "spec"
local tw = require "thalweg"
local core = require "thalweg.core"

math.randomseed(20, 5)
local random = math.random
local function pick(list) return list[random(#list)] end
local function shape_of(most, largest)
  local shape = {}
  for i = 1, random(0, most) do shape[i] = random(0, 9) == 0 and 0 or random(1, largest) end
  return shape
end
local function numbered(shape)
  local n = 1
  for _, size in ipairs(shape) do n = n * size end
  return tw.arange(n):reshape(shape)
end

-- A failure must be a message of ours: a string that is no complaint of the interpreter about our own Lua.
local function said(message)
  test.ok(type(message) == "string" and #message > 10 and not message:find("attempt to", 1, true), tostring(message))
end

-- Indexing.

local huge = { 0, 1 / 0, -1 / 0, 0 / 0, 2 ^ 53, -2 ^ 63, math.maxinteger, math.mininteger, 1.5, 9, -9 }
local function position(n) return random(12) == 1 and pick(huge) or (random(2) == 1 and 1 or -1) * random(1, math.max(n, 1)) end

local function index_tensor(n)
  local shape, size, values = {}, 1, {}
  for i = 1, random(0, 3) do
    shape[i] = random(0, 3)
    size = size * shape[i]
  end
  for i = 1, size do values[i] = (random(2) == 1 and 1 or -1) * random(1, math.max(n, 1) + (random(20) == 1 and 1 or 0)) end
  return tw.tensor(values, { dtype = random(25) == 1 and "f64" or "i64" }):reshape(shape)
end

local function mask(shape, from)
  local own = {}
  for i = from, math.min(#shape, from + random(0, 2)) do own[#own + 1] = shape[i] + (random(20) == 1 and 1 or 0) end
  local y = numbered(own)
  return (y * random(1, 7) % 3):lt(random(0, 3))
end

local function entry(shape, axis)
  local n, kind = shape[axis] or 1, random(11)
  if kind <= 3 then return position(n) end
  if kind <= 5 then return { position(n), position(n) } end
  if kind == 6 then return { position(n), position(n), position(3) } end
  if kind == 7 then return {} end
  if kind <= 9 then return index_tensor(n) end
  if kind == 10 then return mask(shape, axis) end
  return pick { "x", true, print, { 1 }, { 1, 2, 3, 4 }, { first = 1 }, { "1", 2 }, { {}, 1 } }
end

-- What an accepted entry selects along its axes: a list of 0-based offsets into the flattened axes, the number of axes, and the axes of the result.
local function meaning(e, shape, axis)
  local n = shape[axis]
  local function at(i) return (i < 0 and i + n + 1 or i) - 1 end
  if type(e) == "number" then return { at(math.tointeger(e)) }, 1, {} end
  if type(e) == "table" then
    local list = {}
    if #e == 0 then e = { 1, n } end
    local step = math.tointeger(e[3] or 1)
    step = math.max(-100, math.min(100, step))
    for i = at(math.tointeger(e[1])), at(math.tointeger(e[2])), step do list[#list + 1] = i end
    return list, 1, { #list }
  end
  local list = {}
  for i, v in ipairs(e:reshape(-1):table()) do
    if e.dtype == "i64" then list[i] = at(v) elseif v then list[#list + 1] = i - 1 end
  end
  if e.dtype == "i64" then return list, 1, e.shape end
  return list, e.ndim, { #list }
end

local function expected(x, entries)
  local flat, axis = { [0] = 0 }, 1
  local shape, offsets = {}, { 0 }
  local whole = x.shape
  local k = 1
  while axis <= #whole do
    local e = entries[k]
    k = k + 1
    local list, axes, own = meaning(e == nil and {} or e, whole, axis)
    local size = 1
    for i = axis, axis + axes - 1 do size = size * whole[i] end
    local more = {}
    for _, base in ipairs(offsets) do
      for _, i in ipairs(list) do more[#more + 1] = base * size + i end
    end
    offsets = more
    table.move(own, 1, #own, #shape + 1, shape)
    axis = axis + axes
  end
  for i, offset in ipairs(offsets) do flat[i] = offset + 1.0 end
  flat[0] = nil
  return shape, flat
end

test("index expressions give what they mean, or say why not", function()
  local accepted = 0
  for _ = 1, 6000 do
    local shape = shape_of(4, 4)
    local x, entries, axis = numbered(shape), {}, 1
    while axis <= #shape + (random(15) == 1 and 1 or 0) and random(8) > 1 do
      local e = entry(shape, axis)
      entries[#entries + 1] = e
      axis = axis + (tw.is_tensor(e) and e.dtype == "bool" and math.max(e.ndim, 1) or 1)
    end
    local ok, y = pcall(function() return x[#entries == 1 and type(entries[1]) ~= "table" and random(2) == 1 and entries[1] or entries] end)
    if not ok then said(y) elseif tw.is_tensor(y) then
      accepted = accepted + 1
      local want_shape, want = expected(x, entries)
      test.eq(y.shape, want_shape)
      test.eq(y:reshape(-1):table(), want)
    end
  end
  test.ok(accepted > 1500, accepted .. " accepted")
end)

-- einsum.

local function naive(terms, out, operands)
  local sizes, order = {}, {}
  for k, term in ipairs(terms) do
    for i = 1, #term do
      local c = term:sub(i, i)
      if not sizes[c] then order[#order + 1] = c end
      sizes[c] = operands[k].shape[i]
    end
  end
  local tables, result, shape = {}, {}, {}
  for k, t in ipairs(operands) do tables[k] = t:reshape(-1):table() end
  local n_out = 1
  for i = 1, #out do
    shape[i] = sizes[out:sub(i, i)]
    n_out = n_out * shape[i]
  end
  for i = 1, n_out do result[i] = 0.0 end
  local at = {}
  local function flat(term)
    local f = 0
    for i = 1, #term do f = f * sizes[term:sub(i, i)] + at[term:sub(i, i)] end
    return f + 1
  end
  local function loop(depth)
    if depth > #order then
      local p = 1.0
      for k, term in ipairs(terms) do p = p * tables[k][flat(term)] end
      local f = flat(out)
      result[f] = result[f] + p
      return
    end
    for i = 0, sizes[order[depth]] - 1 do
      at[order[depth]] = i
      loop(depth + 1)
    end
  end
  loop(1)
  return shape, result
end

test("einsum gives the sum of products it spells", function()
  for _ = 1, 1500 do
    local letters, sizes, terms, operands, seen = { "a", "b", "c", "Z", "q" }, {}, {}, {}, {}
    for _, c in ipairs(letters) do sizes[c] = random(0, 12) == 0 and 0 or random(1, 3) end
    for k = 1, random(1, 4) do
      local term, shape = "", {}
      for i = 1, random(0, 4) do
        local c = pick(letters)
        term, shape[i], seen[c] = term .. c, sizes[c], true
      end
      terms[k], operands[k] = term, numbered(shape) % 5 - 2
    end
    local out = ""
    for _, c in ipairs(letters) do
      if seen[c] and random(2) == 1 then out = random(2) == 1 and out .. c or c .. out end
    end
    local y = tw.einsum(table.concat(terms, ",") .. "->" .. out, table.unpack(operands))
    local shape, want = naive(terms, out, operands)
    test.eq(y.shape, shape)
    test.eq(y:reshape(-1):table(), want)
  end
end)

test("einsum refuses nonsense with a message that names the spec", function()
  local parts = { "a", "b", "i", "j", "k", "A", ",", ",", "->", "-", ">", "...", "..", ".", " ", "1", "\255", "ij", "ij,jk", "->ik", "%s", "%n" }
  local tensors = { tw.ones(2, 2), tw.ones(2), tw.tensor(3), tw.ones(2, 3, 2), tw.ones(0, 2), tw.ones(1, 1, 1, 1, 1, 1, 1, 1) }
  local refused = 0
  for _ = 1, 20000 do
    local spec, operands = {}, {}
    for i = 1, random(0, 8) do spec[i] = pick(parts) end
    for i = 1, random(0, 4) do operands[i] = pick(tensors) end
    local text = table.concat(spec)
    local ok, y = pcall(tw.einsum, text, table.unpack(operands))
    if not ok then
      said(y)
      refused = refused + 1
      test.ok(#operands == 0 or y:find("einsum: \"" .. text .. "\"", 1, true), y)
    end
  end
  test.ok(refused > 5000)
  local long = ("ab,"):rep(2000)
  test.raises("einsum: \"ab,ab", function() tw.einsum(long, tw.ones(2, 2)) end)
end)

-- Everything else: any function, any arguments.

test("functions take any arguments and answer or say why not", function()
  local functions = {}
  for _, entry in ipairs(core.docs()) do
    if entry.f and not entry.owner and entry.name ~= "save" and entry.name ~= "load" then functions[#functions + 1] = entry end
  end
  test.ok(#functions > 100, #functions .. " functions")
  local function value()
    local kind = random(12)
    if kind <= 4 then return numbered(shape_of(3, 4)) - 3 end
    if kind == 5 then return (numbered(shape_of(3, 4)) - 3):to(pick { "f32", "i64", "bool" }) end
    if kind == 6 then return tw.ones(3, 4):t() end
    if kind <= 8 then return random(-3, 5) end
    if kind == 9 then return pick { {}, { 1, 2 }, { keepdim = true }, { 2, 2 }, { dtype = "i64" }, { largest = false }, { tw.ones(2) }, { p = 1 } } end
    return pick { 1.5, -0.0, 1 / 0, 0 / 0, "f32", "sum", true, false, math.mininteger, 2 ^ 53, function() end }
  end
  for _ = 1, 20000 do
    local entry, n, args = pick(functions), random(0, 4), {}
    for i = 1, n do args[i] = random(15) > 1 and value() or nil end
    local ok, y = pcall(entry.f, table.unpack(args, 1, n))
    if not ok then test.ok(type(y) == "string" and #y > 10, entry.name .. ": " .. tostring(y)) end
  end
end)

test("nothing is left behind", function()
  collectgarbage()
  collectgarbage()
  local _, tensors = core.memory()
  test.ok(tensors <= 12, tensors .. " tensors")
end)

test.close()
