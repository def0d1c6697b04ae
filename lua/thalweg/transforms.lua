-- Transforms built on grad, vjp and jvp: jacobian, hessian, hvp, vmap, checkgrad.
local core = require "thalweg.core"
local fault = require "thalweg.fault"
local options = require "thalweg.options"
local tree = require "thalweg.tree"

local transforms = {}

local function joined(a, b)
  local out = table.move(a, 1, #a, 1, {})
  return table.move(b, 1, #b, #a + 1, out)
end

-- Parts along the first axis as one tensor of shape head ++ like's shape.
local function assembled(parts, head, like)
  if #parts == 0 then return core.zeros(joined(head, like.shape), { dtype = like.dtype }) end
  return (#parts == 1 and parts[1] or core.cat(parts)):reshape(joined(head, like.shape))
end

local function real_tensor(y)
  if core.is_tensor(y) and (y.dtype == "f64" or y.dtype == "f32") then return y end
  fault.raise("jacobian: the function must return a real tensor, got %s", core.is_tensor(y) and y.dtype or type(y))
end

local function by_rows(f, x, ...)
  local y, rows = core.rows(function(...) return real_tensor(f(...)) end, x, ...)
  return y, assembled(rows[1], y.shape, x)
end

local together = 64 -- directions in one evaluation

local function by_columns(f, x, ...)
  local further, n = table.pack(...), x.size
  if n == 0 then
    local y = f(x, ...)
    return y, core.zeros(joined(y.shape, x.shape), { dtype = y.dtype })
  end
  local units, parts, y = core.eye(n, { dtype = x.dtype }):reshape(joined({ n }, x.shape)), {}, nil
  for first = 1, n, together do
    local width = math.min(together, n - first + 1)
    y, parts[#parts + 1] = core.in_lanes(width, function()
      local unit = core.lanes_in(units:narrow(1, first, width), 1)
      local value, t = core.jvp(f, x, unit, table.unpack(further, 1, further.n))
      return real_tensor(value), core.lanes_out(t)
    end, true)
  end
  local columns = #parts == 1 and parts[1] or core.cat(parts)
  return y, columns:reshape(n, -1):t():reshape(joined(y.shape, x.shape))
end

-- The Jacobian of f as a function of a tensor: J(x, ...) has f(x, ...)'s shape followed by x's: J[i.. j..] = d f_i / d x_j.
-- Reverse mode costs one evaluation and a backward pass for the elements of the result, forward mode an evaluation with a tangent for each element of x; up
-- to 64 of them are computed together. mode = "auto" takes the smaller count.
-- example:
-- tw.jacobian(function(x) return x * x:sum() end)(tw.tensor{ 1, 2 }) --> f64[2 2]
--                                                                    --> [[4 1]
--                                                                    -->  [2 5]]
---@param f fun(x: thalweg.Tensor, ...): thalweg.Tensor
---@param o? { mode: "auto"|"forward"|"reverse" }
---@return fun(x: thalweg.Tensor, ...): thalweg.Tensor jacobian
function transforms.jacobian(f, o)
  o = options.check("jacobian", {
    { name = "mode", type = "string", choices = { "auto", "forward", "reverse" }, default = "auto", about = "which way to differentiate" },
  }, o)
  return function(x, ...)
    if not core.is_tensor(x) then fault.raise("jacobian: the argument must be a tensor, got %s; tw.tree.flatten makes a vector of a tree", type(x)) end
    local mode = o.mode
    if mode == "auto" then
      local size = core.scope(function(...) return real_tensor(f(x, ...)).size end, ...)
      mode = x.size < size and "forward" or "reverse"
    end
    local _, j = (mode == "forward" and by_columns or by_rows)(f, x, ...)
    return j
  end
end

-- The Hessian of a function with a 0-d result: for a tensor x its shape twice ([n n] for a vector); for a tree of tensors a tree of trees, H[a][b] with the
-- shape of a followed by that of b. Rows of the exact gradient's Jacobian, in reverse over reverse: one evaluation, and a backward pass for every 64 rows.
-- example:
-- tw.hessian(function(x) return x[1] ^ 2 * x[2] end)(tw.tensor{ 3, 5 }) --> f64[2 2]
--                                                                       --> [[10  6]
--                                                                       -->  [ 6  0]]
---@param f fun(p: any, ...): thalweg.Tensor
---@return fun(p: any, ...): any hessian
function transforms.hessian(f)
  local gradient = core.grad(f)
  local function only_gradient(...) return (gradient(...)) end
  return function(p, ...)
    local g, rows = core.rows(only_gradient, p, ...)
    if core.is_tensor(p) then return assembled(rows[1], p.shape, p) end
    local k, places = 0, nil
    return tree.map(function(leaf)
      k = k + 1
      local mine, column = rows[k], {}
      for i, row in ipairs(mine) do column[i] = tree.leaves(row) end
      places = 0
      return tree.map(function(like)
        places = places + 1
        local parts = {}
        for i = 1, #mine do parts[i] = column[i][places] end
        return assembled(parts, leaf.shape, like)
      end, g)
    end, g)
  end
end

-- Hessian times vector: hvp(f)(p, v, ...) where v is a tree like p. Forward over reverse (Pearlmutter 1994): the cost of a few gradients, whatever the size.
-- example:
-- tw.hvp(function(x) return x[1] ^ 2 * x[2] end)(tw.tensor{ 3, 5 }, tw.tensor{ 1, 0 }) --> f64[2] [10  6]
---@param f fun(p: any, ...): thalweg.Tensor
---@return fun(p: any, v: any, ...): any
function transforms.hvp(f)
  local gradient = core.grad(f)
  return function(p, v, ...)
    local _, product = core.jvp(function(...) return (gradient(...)) end, p, v, ...)
    return product
  end
end

-- Applies f to each slice of its tensor arguments along their first axis and stacks the results: vmap(f)(x, y) has rows f(x[i], y[i]). With axes = { 1, false }
-- the second argument is the same for all. Trees are sliced leaf by leaf; per-example gradients are vmap(grad(loss), { axes = { false, 1, 1 } })(p, x, y).
-- f runs once, for all slices together: shapes and axes inside are those of one slice, its values are those of f on it alone, bit for bit. It cannot branch on
-- a value (x:item() raises; tw.where chooses). What f does not get as a mapped argument is shared, also in gradients taken around the vmap, where its
-- cotangents are summed over the slices; a generator it draws from gives every slice numbers of its own. What f makes lives until it returns, as in tw.scope.
-- example:
-- local loss = function(w, x) return w:dot(x) ^ 2 end
-- tw.vmap(tw.grad(loss), { axes = { false, 1 } })(tw.tensor{ 1, 1 }, tw.tensor{ {1, 2}, {0, 3} }) --> f64[2 2]
--                                                                                                 --> [[ 6 12]
--                                                                                                 -->  [ 0 18]]
---@param f function
---@param o? { axes: (integer|false)[] }
---@return function
function transforms.vmap(f, o)
  o = options.check("vmap", {
    { name = "axes", type = "table", optional = true, about = "the mapped axis of each argument, false for a shared one; default: the first axis of all" },
  }, o)
  return function(...)
    local arguments, n = table.pack(...), nil
    local function axis_of(i)
      local axis = 1
      if o.axes then axis = o.axes[i] end
      return axis
    end
    for i = 1, arguments.n do
      local axis = axis_of(i)
      for _, leaf in ipairs(axis and tree.leaves(arguments[i]) or {}) do
        local size = leaf.shape[axis]
        if not size then fault.raise("vmap: argument %d has no axis %d: it has shape {%s}", i, axis, table.concat(leaf.shape, ", ")) end
        if n and n ~= size then fault.raise("vmap: the mapped axes differ in size: argument %d has %d, another has %d", i, size, n) end
        n = size
      end
    end
    if not n then fault.raise("vmap: no argument is mapped") end
    if n == 0 then fault.raise("vmap: the mapped axis has size 0") end
    return core.in_lanes(n, function()
      for i = 1, arguments.n do
        local axis = axis_of(i)
        if axis then arguments[i] = tree.map(function(x) return core.lanes_in(x, axis) end, arguments[i]) end
      end
      local results = table.pack(f(table.unpack(arguments, 1, arguments.n)))
      for j = 1, results.n do results[j] = tree.map(core.lanes_out, results[j]) end
      return table.unpack(results, 1, results.n)
    end)
  end
end

-- Holds the gradient of f (a 0-d result) at x, a tensor or a tree, against central differences with step h = cbrt(2^-52) max(1, |x_i|), whose error is about
-- 1e-10 of the scale of f in f64. Returns true, or false and the worst entries: { path, index, exact, numeric, error }, largest error first, at most ten.
-- example:
-- tw.checkgrad(function(p) return (p.w * p.w):sum() end, { w = tw.tensor{ 1, 2 } }) --> true
-- local wrong = tw.custom{ forward = function(x) return x * x end, vjp = function(t, y, x) return t * x end }
-- local ok, worst = tw.checkgrad(wrong, tw.tensor(3))
-- ok, worst[1].exact --> false  3.0
---@param f fun(x: any): thalweg.Tensor
---@param x any
---@param o? { tolerance: number }
---@return boolean ok, table[]|nil worst
function transforms.checkgrad(f, x, o)
  o = options.check("checkgrad", {
    { name = "tolerance", type = "number", above = 0, default = 1e-6, about = "largest error allowed, relative to 1 + |gradient|" },
  }, o)
  local gradient = core.grad(f)(x)
  local worst = {}
  local leaves, paths = tree.leaves(x)
  local exact, g = {}, tree.leaves(gradient) -- the gradient has the real leaves alone, in order
  for k, leaf in ipairs(leaves) do
    if leaf.dtype == "f64" or leaf.dtype == "f32" then exact[k] = table.remove(g, 1):reshape(-1):table() end
  end
  local function probe(k, values, i, v)
    local old = values[i]
    values[i] = v
    local at = 0
    local moved = tree.map(function(leaf)
      at = at + 1
      return at == k and core.tensor(values, { dtype = leaf.dtype }):reshape(leaf.shape) or leaf
    end, x)
    values[i] = old
    return core.scope(function() return f(moved):item() end)
  end
  for k, leaf in ipairs(leaves) do
    if exact[k] then
      local values = leaf:reshape(-1):table()
      for i, v in ipairs(values) do
        local h = 6.055454452393343e-06 * math.max(1, math.abs(v))
        local numeric = (probe(k, values, i, v + h) - probe(k, values, i, v - h)) / (2 * h)
        local error = math.abs(numeric - exact[k][i]) / (1 + math.abs(exact[k][i]))
        if not (error <= o.tolerance) then
          worst[#worst + 1] = { path = paths[k], index = i, exact = exact[k][i], numeric = numeric, error = error }
        end
      end
    end
  end
  if #worst == 0 then return true end
  table.sort(worst, function(a, b) return a.error ~= a.error and b.error == b.error or a.error > b.error end)
  return false, table.move(worst, 1, 10, 1, {})
end

return transforms
