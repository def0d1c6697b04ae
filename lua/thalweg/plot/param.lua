-- A metric's final (smallest, largest, at a step) value against a parameter: a point per run, a line through the medians for each value of the other
-- parameters. Diverged runs are marked at the edge that is bad.
local axis = require "thalweg.plot.axis"
local statistics = require "thalweg.plot.statistics"

local param = {}

local most_lines = 8

-- Without --x: the parameter called lr, else the numeric one with the most values.
local function default_x(selected)
  local best, count
  for _, name in ipairs(selected.varying) do
    local seen, n, numeric = {}, 0, true
    for _, run in ipairs(selected.runs) do
      local v = selected:parameter(run, name)
      if v ~= nil and not seen[v] then
        seen[v], n = true, n + 1
        numeric = numeric and type(v) == "number"
      end
    end
    if name == "lr" and numeric then return name end
    if numeric and (not count or n > count) then best, count = name, n end
  end
  if best then return best end
  error({ message = "plot: no number varies between these runs; name a parameter with --x: " ..
    (#selected.varying > 0 and table.concat(selected.varying, ", ") or "none varies"), status = 2 }, 0)
end

-- The x of each run: the number itself, or the place in a list of names.
local function positions(selected, name)
  local numeric, list, place = true, {}, {}
  for _, run in ipairs(selected.runs) do
    local v = selected:parameter(run, name)
    if v ~= nil and not place[v] then
      list[#list + 1] = v
      place[v] = #list
      numeric = numeric and type(v) == "number"
    end
  end
  if numeric then return function(run) return selected:parameter(run, name) end, list end
  local names = {}
  for i, v in ipairs(list) do names[i] = tostring(v) end
  return function(run)
    local v = selected:parameter(run, name)
    return v ~= nil and place[v] or nil
  end, nil, names
end

local function scale_x(numbers, names, forced)
  if names then return { low = 0.5, high = #names + 0.5, names = names } end
  local log = forced
  if log == nil then log = axis.geometric(numbers) end
  local scale = axis.scale(numbers, log)
  if log and #numbers <= 8 then -- few values: they are the ticks
    local sorted = statistics.sorted(numbers)
    local whole, narrow = math.log(sorted[#sorted] / sorted[1]), math.huge
    for i = 2, #sorted do narrow = math.min(narrow, math.log(sorted[i] / sorted[i - 1])) end
    if narrow * 12 >= whole then
      scale.ticks = {}
      for i, v in ipairs(sorted) do scale.ticks[i] = { v, ("%.3g"):format(v) } end
    end
  end
  return scale
end

-- Number i of n marks at one place: they stand beside each other, inside the picture.
local function beside(x, scale, i, n)
  local part = 0.016 * (i - (n + 1) / 2)
  local place = x + (scale.high - scale.low) * part
  if scale.log then place = x * (scale.high / scale.low) ^ part end
  return math.min(math.max(place, scale.low), scale.high)
end

-- Which groups have a mark at each place.
local function crowds(summaries, y)
  local out = {}
  for i, s in ipairs(summaries) do
    local function add(at)
      out[at] = out[at] or {}
      if out[at][#out[at]] ~= i then table.insert(out[at], i) end
    end
    for _, at in ipairs(s.diverged) do add(at) end
    for _, point in ipairs(s.points) do
      if point[2] > y.high then add(point[1]) end
    end
  end
  return out
end

local function summary(selected, group, position, metric, at)
  local points, diverged, by_x, order = {}, {}, {}, {}
  for _, run in ipairs(group.runs) do
    local x = position(run)
    local y, lost = selected:value(run, metric, at)
    if x ~= nil and y ~= nil then
      if not by_x[x] then
        by_x[x] = {}
        order[#order + 1] = x
      end
      table.insert(by_x[x], y)
      if lost then diverged[#diverged + 1] = x else points[#points + 1] = { x, y } end
    end
  end
  table.sort(order)
  local line = {}
  for i, x in ipairs(order) do
    local median = statistics.band(by_x[x])
    line[i] = median > -math.huge and median < math.huge and { x, median }
  end
  return { points = points, line = line, diverged = diverged }
end

-- The parameter that varies and holds the one on the axis (opt of opt.lr or opt_lr); nil where that stands by itself.
local function holder(selected, name)
  for _, other in ipairs(selected.varying) do
    if name:sub(1, #other + 1):gsub("%.$", "_") == other .. "_" then return other end
  end
end

-- What the groups are when nobody says: every parameter that varies but the one on the axis. Where that is inside another (opt.lr), the kinds of the other
-- (opt) and what else varies in it.
local function other_parameters(selected, name)
  local out, root = {}, holder(selected, name)
  for _, other in ipairs(selected.varying) do
    if other ~= root then
      if other ~= name then out[#out + 1] = other end
    else
      local inside = selected:by_kind(root)
      out[#out + 1] = root
      for _, one in ipairs(inside) do
        if one ~= name:gsub("%.", "_") then out[#out + 1] = one end
      end
    end
  end
  return out
end

-- The range of the values, but for those far above where the runs began.
local function scale_y(selected, metric, summaries, forced)
  local most, values, all = selected:ceiling(metric, 100), {}, {}
  for _, s in ipairs(summaries) do
    for _, point in ipairs(s.points) do
      all[#all + 1] = point[2]
      if not most or point[2] <= most then values[#values + 1] = point[2] end
    end
  end
  if #values == 0 then values = all end
  local log = forced
  if log == nil then log = axis.spans_decades(values) end
  return axis.scale(values, log)
end

-- Marks of group i at an edge, one per place.
local function marks(xs, edge, x, i, crowd)
  local rows, seen = {}, {}
  for _, at in ipairs(xs) do
    if not seen[at] then
      seen[at] = true
      for place, group in ipairs(crowd[at]) do
        if group == i then rows[#rows + 1] = { beside(at, x, place, #crowd[at]), edge } end
      end
    end
  end
  return rows
end

-- The layers of group i: those below and those above all points; and how many runs lie above the axis. A group without a line is named at its marks.
local function layers_of(s, x, y, edge, i, crowd, label)
  local points, above, line = {}, {}, {}
  local over = 0
  for _, point in ipairs(s.points) do
    if point[2] > y.high then
      over = over + 1
      above[#above + 1] = point[1]
    elseif not (y.log and point[2] <= 0) then
      points[#points + 1] = point
    end
  end
  local has_line = false
  for k, row in ipairs(s.line) do
    line[k] = row and not (y.log and row[2] <= 0) and row
    has_line = has_line or line[k] ~= false
  end
  local top = { { draw = "line", rows = line, style = i, label = label, marked = true } }
  if over > 0 then top[#top + 1] = { draw = "mark", rows = marks(above, y.high, x, i, crowd), style = i, symbol = 8 } end
  if #s.diverged > 0 then top[#top + 1] = { draw = "mark", rows = marks(s.diverged, edge, x, i, crowd), style = i } end
  if not has_line and #top > 1 then top[1].label, top[#top].label = nil, label end
  return { draw = "points", rows = points, style = i }, top, over
end

local function runs(count) return count == 1 and "1 run" or count .. " runs" end

---@param selected thalweg.Selection
---@param spec table
---@return table figure
function param.figure(selected, spec)
  local metric = selected:metric(spec.metric[1], 0, true).variable
  local name = spec.x or default_x(selected)
  selected:check_parameter("--x", name)
  local position, numbers, names = positions(selected, name)
  local by = spec.by or other_parameters(selected, name)
  for _, one in ipairs(by) do
    if one == holder(selected, name) then selected:by_kind(one) end -- each of its texts would have a value of its own
  end
  local groups, which = selected:few(selected:groups(by), most_lines, metric)
  local summaries = {}
  for i, group in ipairs(groups) do summaries[i] = summary(selected, group, position, metric, spec.at) end
  local x = scale_x(numbers, names, axis.forced(spec.log, "x"))
  local y = scale_y(selected, metric, summaries, axis.forced(spec.log, "y"))
  x.label, y.label = selected:labelled(name), selected:value_label(metric, spec.at)
  local edge = selected:bad(metric) > 0 and y.high or y.low
  local layers, tops, lost, over, crowd = {}, {}, 0, 0, crowds(summaries, y)
  for i, s in ipairs(summaries) do
    local points, top, out = layers_of(s, x, y, edge, i, crowd, selected:legend(groups, i))
    layers[i] = points
    table.move(top, 1, #top, #tops + 1, tops)
    lost, over = lost + #s.diverged, over + out
  end
  table.move(tops, 1, #tops, #layers + 1, layers)
  local used = table.move(by, 1, #by, 2, { name })
  local note = { which }
  note[#note + 1] = "points: runs, line: median"
  if lost > 0 then note[#note + 1] = ("crosses at the %s edge: diverged (%s)"):format(edge == y.high and "top" or "bottom", runs(lost)) end
  if over > 0 then note[#note + 1] = ("triangles: above the axis (%s)"):format(runs(over)) end
  note[#note + 1] = selected:pooled(used)
  note[#note + 1] = selected:absent()
  return { panels = { { title = spec.title, note = table.concat(note, "; "), x = x, y = y, layers = layers, legend = #by == 1 and by[1] or nil } } }
end

return param
