-- tw.tree: trees of tensors. A tree is a tensor or a (nested) plain table of tensors; its order is integers ascending, then strings bytewise.
-- Numbers, strings and tensors that are not real ride along.
local core = require "thalweg.core"
local fault = require "thalweg.fault"
local ordered = require "thalweg.ordered"

local tree = {}

local function is_branch(v) return type(v) == "table" and getmetatable(v) == nil end

local function visit(t, path, f)
  if core.is_tensor(t) then f(t, path) return end
  if not is_branch(t) then return end
  for k, v in ordered.pairs(t) do visit(v, path == "" and tostring(k) or path .. "." .. tostring(k), f) end
end

-- The tree with every tensor x replaced by f(x, y, ..., path), where y, ... stand at the same place of the further trees and path is "layer1.w".
-- A further tree of another form is an error.
-- example:
-- local p = { w = tw.tensor{ 1, 2 }, b = { tw.tensor(3) } }
-- tw.tree.map(function(x, y) return x + y end, p, p).b[1] --> f64[] 6
---@param f fun(x: thalweg.Tensor, ...): any
---@param t any
---@return any
function tree.map(f, t, ...)
  local function walk(path, first, ...)
    if core.is_tensor(first) then
      local arguments = table.pack(first, ...)
      arguments[arguments.n + 1] = path
      return f(table.unpack(arguments, 1, arguments.n + 1))
    end
    if not is_branch(first) then return first end
    local out, others = {}, table.pack(...)
    for k, v in ordered.pairs(first) do
      local at = {}
      for i = 1, others.n do
        if type(others[i]) ~= "table" then fault.raise("tree.map: the trees differ in form at %s", path == "" and "the root" or path) end
        at[i] = others[i][k]
      end
      out[k] = walk(path == "" and tostring(k) or path .. "." .. tostring(k), v, table.unpack(at, 1, others.n))
    end
    return out
  end
  return walk("", t, ...)
end

-- The tensors of a tree in order, and their paths.
-- example:
-- local leaves, paths = tw.tree.leaves{ w = tw.tensor{ 1, 2 }, b = { tw.tensor(3) } }
-- paths[1], leaves[1] --> b.1  f64[] 3
---@param t any
---@return thalweg.Tensor[] leaves, string[] paths
function tree.leaves(t)
  local leaves, paths = {}, {}
  visit(t, "", function(x, path)
    leaves[#leaves + 1] = x
    paths[#paths + 1] = path
  end)
  return leaves, paths
end

-- All real tensors of a tree in one vector, in order, and a function that makes a tree of the same form from such a vector.
-- A tree without a real tensor is an error.
-- example:
-- local v, restore = tw.tree.flatten{ w = tw.tensor{ 1, 2 }, b = tw.tensor(3) }
-- v --> f64[3] [3 1 2]
-- restore(2 * v).w --> f64[2] [2 4]
---@param t any
---@return thalweg.Tensor vector, fun(vector: thalweg.Tensor): any restore
function tree.flatten(t)
  local parts, places = {}, {}
  local first = 1
  visit(t, "", function(x, path)
    if x.dtype ~= "f64" and x.dtype ~= "f32" then return end
    parts[#parts + 1] = x:reshape(-1)
    places[path] = { first = first, size = x.size, shape = x.shape }
    first = first + x.size
  end)
  if #parts == 0 then fault.raise("tree.flatten: there is no real tensor in the tree") end
  return core.cat(parts), function(vector)
    return tree.map(function(x, path)
      local place = places[path]
      if not place then return x end
      return vector:narrow(1, place.first, place.size):reshape(place.shape)
    end, t)
  end
end

-- The 2-norm of all real tensors of a tree together: sqrt(sum of all squares).
-- example:
-- tw.tree.norm{ a = tw.tensor{ 3 }, b = tw.tensor(4) } --> f64[] 5
---@param t any
---@return thalweg.Tensor norm 0-d
function tree.norm(t)
  local total
  visit(t, "", function(x)
    if x.dtype ~= "f64" and x.dtype ~= "f32" then return end
    local squares = (x * x):sum()
    total = total and total + squares or squares
  end)
  if not total then fault.raise("tree.norm: there is no real tensor in the tree") end
  return total:sqrt()
end

-- The inner product of two trees of one form: the sum of x y over all elements.
-- example:
-- local p = { a = tw.tensor{ 3 }, b = tw.tensor(4) }
-- tw.tree.dot(p, p) --> f64[] 25
---@param a any
---@param b any
---@return thalweg.Tensor product 0-d
function tree.dot(a, b)
  local total
  tree.map(function(x, y)
    local product = (x * y):sum()
    total = total and total + product or product
    return x
  end, a, b)
  if not total then fault.raise("tree.dot: there is no tensor in the tree") end
  return total
end

-- The number of elements of all real tensors.
-- example:
-- tw.tree.size{ w = tw.zeros(2, 3), classes = tw.tensor({ 1, 2 }, { dtype = "i64" }) } --> 6
---@param t any
---@return integer
function tree.size(t)
  local n = 0
  visit(t, "", function(x) if x.dtype == "f64" or x.dtype == "f32" then n = n + x.size end end)
  return n
end

return tree
