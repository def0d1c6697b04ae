-- Contour lines of a function on a rectangular grid, by linear interpolation along the cells' edges (marching squares).
local contour = {}

-- Levels that fill the picture evenly: quantiles of the grid's values in two digits, denser towards the minimum, where optimizers end.
---@param values number[] finite
---@param n integer
---@return number[]
function contour.levels(values, n)
  local sorted = table.move(values, 1, #values, 1, {})
  table.sort(sorted)
  local out = {}
  for k = 1, n do
    local part = (k - 0.5) / n
    local level = sorted[math.max(1, math.min(#sorted, math.ceil(part * part * #sorted)))]
    local round = tonumber(("%.2g"):format(level))
    if round > (out[#out] or sorted[1]) then level = round end
    if level < sorted[#sorted] and level > (out[#out] or sorted[1]) then out[#out + 1] = level end
  end
  return out
end

-- One crossing per edge and level, shared by the two cells that meet there. Edges are numbered: horizontal 2 k, vertical 2 k + 1.
local function crossings(x, y, z, level)
  local nx, ny, point = #x, #y, {}
  local function part(a, b)
    if (a >= level) == (b >= level) or a ~= a or b ~= b then return nil end
    return (level - a) / (b - a)
  end
  for j = 1, ny do
    for i = 1, nx do
      local k = (j - 1) * nx + i
      local t = i < nx and part(z[k], z[k + 1])
      if t then point[2 * k] = { x[i] + t * (x[i + 1] - x[i]), y[j] } end
      t = j < ny and part(z[k], z[k + nx])
      if t then point[2 * k + 1] = { x[i], y[j] + t * (y[j + 1] - y[j]) } end
    end
  end
  return point
end

-- Which crossings a cell joins: neighbours of each edge.
local function joints(nx, ny, z, level, point)
  local next_to = {}
  local function join(a, b)
    next_to[a] = next_to[a] or {}
    next_to[b] = next_to[b] or {}
    table.insert(next_to[a], b)
    table.insert(next_to[b], a)
  end
  for j = 1, ny - 1 do
    for i = 1, nx - 1 do
      local k = (j - 1) * nx + i
      local bottom, right, top, left = 2 * k, 2 * (k + 1) + 1, 2 * (k + nx), 2 * k + 1
      local cut = {}
      for _, edge in ipairs { bottom, right, top, left } do
        if point[edge] then cut[#cut + 1] = edge end
      end
      if #cut == 2 then
        join(cut[1], cut[2])
      elseif #cut == 4 then -- a saddle: its middle decides
        local middle = (z[k] + z[k + 1] + z[k + nx] + z[k + nx + 1]) / 4
        if (middle >= level) == (z[k] >= level) then
          join(bottom, right)
          join(top, left)
        else
          join(bottom, left)
          join(top, right)
        end
      end
    end
  end
  return next_to
end

-- The lines at one level, as rows { x, y, level } with false between two lines. z is row-major [#y][#x]; a NaN has no lines around it.
---@param x number[]
---@param y number[]
---@param z number[]
---@param level number
---@return table[]
function contour.lines(x, y, z, level)
  local point = crossings(x, y, z, level)
  local next_to = joints(#x, #y, z, level, point)
  local rows, visited = {}, {}
  local function follow(edge)
    while edge do
      visited[edge] = true
      rows[#rows + 1] = { point[edge][1], point[edge][2], level }
      local onward
      for _, other in ipairs(next_to[edge]) do
        if not visited[other] then onward = other end
      end
      if not onward then return edge end
      edge = onward
    end
  end
  local order = {}
  for edge in next, next_to do order[#order + 1] = edge end
  table.sort(order)
  for pass = 1, 2 do -- open lines from their ends first, closed ones then
    for _, edge in ipairs(order) do
      if not visited[edge] and (pass == 2 or #next_to[edge] == 1) then
        local last = follow(edge)
        if pass == 2 and last ~= edge then rows[#rows + 1] = { point[edge][1], point[edge][2], level } end
        rows[#rows + 1] = false
      end
    end
  end
  return rows
end

return contour
