-- An error surface over two parameters as contour lines, with the ways of runs across it. The surface is a grid that a run has logged,
--   run:log("surface", { f = grid, x = xs, y = ys })      grid f64[ny nx], xs [nx], ys [ny]: the metrics surface_f, surface_x, surface_y
-- or a function of a vector of two. The ways are a logged vector of two.
local axis = require "thalweg.plot.axis"
local contour = require "thalweg.plot.contour"

local surface = {}

local most_lines, levels_drawn, points_per_side = 6, 14, 151

local function fail(format, ...) error({ message = "plot: " .. string.format(format, ...), status = 2 }, 0) end

local function is_finite(v) return v == v and v ~= math.huge and v ~= -math.huge end

-- The metric whose values have this many axes, and pass `fits`, in the order they were logged.
local function first_metric(selected, fits)
  for _, sweep in ipairs(selected.sweeps) do
    for _, metric in ipairs(sweep:metrics()) do
      if fits(metric) then return metric.variable end
    end
  end
end

local function counting(n)
  local out = {}
  for i = 1, n do out[i] = i end
  return out
end

-- The last grid logged by the first run that has one.
local function logged(selected, name)
  name = name or first_metric(selected, function(m) return #m.shape == 2 end)
  if not name then
    fail("no run has logged a surface; log one: run:log(\"surface\", { f = grid, x = xs, y = ys }), or give a function with --surface")
  end
  local metric = selected:metric(name, 2)
  local ny, nx = metric.shape[1], metric.shape[2]
  if nx < 2 or ny < 2 then fail("a surface needs two points on each axis: %s has the shape [%d %d]", name, ny, nx) end
  local prefix = metric.stream ~= "" and metric.stream .. "_" or metric.name .. "_"
  for _, run in ipairs(selected.runs) do
    local rows = run.sweep:trace(metric.variable, run.index)
    if #rows > 0 then
      local z = rows[#rows]
      local function coordinates(letter, n)
        local list = run.sweep:trace(prefix .. letter, run.index)
        local values = list[#list]
        if values == nil then return counting(n) end
        if type(values) ~= "table" or #values ~= n then
          fail("%s%s must have %d values, one per %s of %s [%d %d]", prefix, letter, n, letter == "x" and "column" or "row", name, ny, nx)
        end
        for i = 2, n do
          if not (values[i - 1] < values[i]) then fail("%s%s must ascend", prefix, letter) end
        end
        return values
      end
      return { x = coordinates("x", nx), y = coordinates("y", ny), z = z, label = selected:labelled(metric.variable) }
    end
  end
  fail("no run selected has a row with %s", name)
end

-- f at a point: f takes a vector of two, as an optimizer's objective does, and gives a number or a 0-d tensor.
local function evaluate(f, x, y)
  local tw = require "thalweg"
  local value = tw.scope(function()
    local v = f(tw.tensor { x, y })
    return type(v) == "userdata" and v:item() or v
  end)
  if type(value) ~= "number" then fail("--surface: the function must give a number: it gives a %s", type(value)) end
  return value
end

local function sampled(f, domain, label)
  local x, y, z = {}, {}, {}
  local n = points_per_side
  for i = 1, n do
    x[i] = domain[1] + (domain[2] - domain[1]) * (i - 1) / (n - 1)
    y[i] = domain[3] + (domain[4] - domain[3]) * (i - 1) / (n - 1)
  end
  for j = 1, n do
    for i = 1, n do
      local ok, v = pcall(evaluate, f, x[i], y[j])
      if not ok then
        if type(v) == "table" then error(v, 0) end
        fail("--surface: the function raises an error at (%g, %g): %s", x[i], y[j], tostring(v))
      end
      z[(j - 1) * n + i] = v
    end
  end
  return { x = x, y = y, z = z, label = label }
end

-- The ways of the best configurations, of their first repeat alone: a picture of five seeds on one surface is a tangle.
local function ways(selected, spec)
  local name = spec.trace or first_metric(selected, function(m) return #m.shape == 1 and m.shape[1] == 2 and not m.variable:find("_[xy]$") end)
  if not name then
    if spec.trace == nil then return {}, nil end
  end
  local metric = selected:metric(name, 1)
  if metric.shape[1] ~= 2 then fail("a way across a surface has two components: %s has %d", name, metric.shape[1]) end
  local groups, note = selected:groups(spec.by or selected.varying), nil
  if selected:metrics()[selected.objective.metric] then
    local all = groups
    groups, note = selected:few(all, most_lines, selected.objective.metric)
    groups = note and groups or selected:best(all, #all, selected.objective.metric)
  elseif #groups > most_lines then
    groups, note = table.move(groups, 1, most_lines, 1, {}), ("the first %d of %d"):format(most_lines, #groups)
  end
  local out, repeats = {}, 0
  for _, group in ipairs(groups) do
    local run = group.runs[1]
    for _, other in ipairs(group.runs) do
      if other.rep < run.rep then run = other end
    end
    repeats = math.max(repeats, #group.runs)
    local points = run.sweep:trace(metric.variable, run.index)
    local rows = {}
    for _, p in ipairs(points) do
      if not (is_finite(p[1]) and is_finite(p[2])) then break end
      rows[#rows + 1] = { p[1], p[2] }
    end
    if #rows > 0 then out[#out + 1] = { rows = rows, label = group.label ~= "" and group.label or "run", diverged = run.status == "diverged" } end
  end
  if repeats > 1 then note = (note and note .. "; " or "") .. "the first of the runs of each" end
  return out, note, metric.variable
end

-- Domain of a function's picture: around the ways; of one that diverged, around its beginning.
local function around(list)
  local xs, ys = {}, {}
  for _, way in ipairs(list) do
    for k = 1, way.diverged and 1 or #way.rows do
      xs[#xs + 1], ys[#ys + 1] = way.rows[k][1], way.rows[k][2]
    end
  end
  local function widened(values)
    local low, high = axis.extent(values)
    local half = math.max(high - low, 1e-6 * math.max(math.abs(high), 1)) * 0.58
    local middle = (low + high) / 2
    return middle - half, middle + half
  end
  local x0, x1 = widened(xs)
  local y0, y1 = widened(ys)
  -- Neither side much longer than the other: a valley is seen from its walls.
  local grow = 0.4 * math.max(x1 - x0, y1 - y0)
  if x1 - x0 < grow then x0, x1 = (x0 + x1 - grow) / 2, (x0 + x1 + grow) / 2 end
  if y1 - y0 < grow then y0, y1 = (y0 + y1 - grow) / 2, (y0 + y1 + grow) / 2 end
  return { x0, x1, y0, y1 }
end

-- A way ends where it leaves the picture by far: what follows says nothing here.
local function inside(rows, grid)
  local w, h = grid.x[#grid.x] - grid.x[1], grid.y[#grid.y] - grid.y[1]
  local out = {}
  for i, row in ipairs(rows) do
    out[i] = row
    if row[1] < grid.x[1] - 20 * w or row[1] > grid.x[#grid.x] + 20 * w or row[2] < grid.y[1] - 20 * h or row[2] > grid.y[#grid.y] + 20 * h then break end
  end
  return out
end

-- At most 80 of the points, evenly spaced in time, so that their distance shows the speed.
local function some(rows)
  local stride, out = math.ceil(#rows / 80), {}
  for i = 1, #rows, stride do out[#out + 1] = rows[i] end
  return out
end

---@param selected thalweg.Selection|nil absent: the surface alone
---@param spec table
---@return table figure
function surface.figure(selected, spec)
  local list, note, name = {}, nil, nil
  if selected then list, note, name = ways(selected, spec) end
  local grid
  if spec.surface then
    local domain = spec.domain or (#list > 0 and around(list))
    if not domain then fail("no way of a run says where to look; name the rectangle with --domain X0:X1,Y0:Y1") end
    local label = spec.surface_label
    grid = sampled(spec.surface, domain, label and not label:find("^%s*function") and label or "f")
  else
    if not selected then fail("there is no surface: name a sweep that has logged one, or a function with --surface") end
    grid = logged(selected, spec.metric[1])
  end
  local finite = {}
  for _, v in ipairs(grid.z) do
    if is_finite(v) then finite[#finite + 1] = v end
  end
  local levels = contour.levels(finite, levels_drawn)
  if #levels == 0 then fail("the surface is flat: every value is %s", finite[1] and ("%.6g"):format(finite[1]) or "not finite") end
  local rows = {}
  for _, level in ipairs(levels) do
    local lines = contour.lines(grid.x, grid.y, grid.z, level)
    table.move(lines, 1, #lines, #rows + 1, rows)
  end
  local layers = { { draw = "contour", rows = rows, style = 1 } }
  for i, way in ipairs(list) do
    local drawn = inside(way.rows, grid)
    layers[#layers + 1] = { draw = "line", rows = drawn, style = i, label = way.label, thin = true }
    layers[#layers + 1] = { draw = "points", rows = some(drawn), style = i, size = 0.6 }
    layers[#layers + 1] = { draw = "mark", rows = { drawn[1] }, style = i, symbol = 6 }
  end
  local log = levels[1] > 0 and levels[#levels] / levels[1] >= 30
  local function scale(values, letter)
    return { low = values[1], high = values[#values], label = name and ("%s[%d]"):format(name, letter) or letter == 1 and "x" or "y" }
  end
  local said = { note }
  if #list > 0 then said[#said + 1] = "circles: starts" end
  local by = selected and (spec.by or selected.varying) or {}
  return { panels = { { title = spec.title, legend = #list > 1 and #by == 1 and by[1] or nil, note = #said > 0 and table.concat(said, "; ") or nil,
    x = scale(grid.x, 1), y = scale(grid.y, 2), layers = layers,
    colors = { label = grid.label, log = log, low = levels[1], high = levels[#levels] } } } }
end

return surface
