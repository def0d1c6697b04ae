-- Learning curves: a metric over the steps, one line per group of runs: their median, with a band around it.
-- At each step a run counts with its last recorded value. One that stopped by its own rule keeps it, one that diverged is infinitely bad from then on,
-- one that is not finished has no value where it has no rows.
local axis = require "thalweg.plot.axis"
local statistics = require "thalweg.plot.statistics"

local curves = {}

local most_points = 2000 -- of a curve; more are finer than any picture
local most_lines = { best = 6, asked = 10 }

-- At most most_points of the steps, evenly spaced on the axis, the first and the last among them.
local function thin(steps, log)
  local n = #steps
  if n <= most_points then return steps end
  local out, first, last = {}, nil, -1
  local position = function(i) return log and math.log(steps[i] + 1) or i end
  first = position(1)
  local width = (position(n) - first) / (most_points - 1)
  for i = 1, n do
    local bin = math.floor((position(i) - first) / width + 0.5)
    if bin ~= last or i == n then
      out[#out + 1] = steps[i]
      last = bin
    end
  end
  return out
end

local function union(lists)
  local seen, out = {}, {}
  for _, list in ipairs(lists) do
    for _, step in ipairs(list) do
      if not seen[step] then
        seen[step] = true
        out[#out + 1] = step
      end
    end
  end
  table.sort(out)
  return out
end

-- A run's value at each of the steps; false where it has none.
local function sampled(values, steps, at, status, bad)
  local out, k = {}, 0
  local n = #steps
  for i, step in ipairs(at) do
    while k < n and steps[k + 1] <= step do k = k + 1 end
    if k == 0 then
      out[i] = false
    elseif step > steps[n] and status ~= "stopped" and status ~= "done" then
      out[i] = status == "diverged" and bad or false
    else
      out[i] = values[k]
    end
  end
  return out
end

-- The rows of one group: { step, median, low, high }.
local function summary(selected, group, metric, o)
  local lists, runs = {}, {}
  for _, run in ipairs(group.runs) do
    local values, steps = selected:trace(run, metric)
    if #values > 0 then
      if o.smooth then values = statistics.smooth(values, steps, o.smooth) end
      lists[#lists + 1] = steps
      runs[#runs + 1] = { values = values, steps = steps, status = run.status }
    end
  end
  local at = thin(union(lists), o.log_x)
  local columns, bad, rows = {}, selected:bad(metric), {}
  for r, run in ipairs(runs) do columns[r] = sampled(run.values, run.steps, at, run.status, bad) end
  for i, step in ipairs(at) do
    local values = {}
    for r = 1, #columns do
      local v = columns[r][i]
      if v then values[#values + 1] = v end
    end
    if #values * 2 >= #runs and #values > 0 then
      local median, low, high = statistics.band(values)
      rows[#rows + 1] = { step, median, low, high }
    end
  end
  return rows, #runs
end

-- The range of the values drawn. Where a loss runs away the other curves stay legible: it is followed to 100 times the largest value at which one begins
-- (3 times on an axis that is not logarithmic).
local function scale_y(summaries, forced, shrinks)
  local values, starts = {}, {}
  for _, rows in ipairs(summaries) do
    if rows[1] then starts[#starts + 1] = rows[1][2] end
    for _, row in ipairs(rows) do values[#values + 1] = row[2] end
  end
  local log = forced
  if log == nil then log = axis.spans_decades(values) end
  local low, high, smallest = axis.extent(values)
  local _, start = axis.extent(starts)
  local cut
  if shrinks and start and start > 0 and high > 20 * start * (log and 100 or 1) then cut = start * (log and 100 or 3) end
  if cut then
    local kept = {}
    for i, v in ipairs(values) do kept[i] = v <= cut and v or cut end
    values, high = kept, cut
  end
  -- The band may stick out a little; it does not rule the range.
  local edges = {}
  for _, rows in ipairs(summaries) do
    for _, row in ipairs(rows) do
      local least, most
      if log then
        least, most = (smallest or 1) / 10, (high or 1) * 10
      else
        local spread = (high or 1) - (low or 0)
        least, most = (low or 0) - spread / 3, (high or 1) + spread / 3
      end
      if cut then most = cut end
      edges[#edges + 1] = math.min(math.max(row[3], least), most)
      edges[#edges + 1] = math.min(math.max(row[4], least), most)
    end
  end
  table.move(edges, 1, #edges, #values + 1, values)
  local scale = axis.scale(values, log)
  if cut then scale.high = cut end
  if not log and low and low >= 0 then scale.low = math.max(scale.low, 0) end
  return scale, cut ~= nil
end

local function clipped(v, scale)
  if v == math.huge or v > scale.high then return scale.high end
  if v == -math.huge or v < scale.low then return scale.low end
  return v
end

-- Splits a summary into a line and a band. The line is drawn with the values as they are, gaps where they are not finite or a logarithm has no place.
local function layers_of(rows, count, scale, style, label, faint)
  local line, band, drawn = {}, {}, 0
  for _, row in ipairs(rows) do
    local v = row[2]
    local fits = v > -math.huge and v < math.huge and not (scale.log and v <= 0)
    if fits then drawn = drawn + 1 end
    line[#line + 1] = fits and { row[1], v }
    band[#band + 1] = fits and { row[1], clipped(row[3], scale), clipped(row[4], scale) }
  end
  local out = {}
  if count > 1 then out[1] = { draw = "band", rows = band, style = style, faint = faint } end
  out[#out + 1] = { draw = "line", rows = line, style = style, label = label, marked = drawn <= 25 }
  return out
end

local function scale_x(summaries, forced)
  local values = {}
  for _, rows in ipairs(summaries) do
    if rows[1] then
      values[#values + 1] = rows[1][1]
      values[#values + 1] = rows[#rows][1]
    end
  end
  local low, high, smallest = axis.extent(values)
  if forced and high and high > 0 then return { log = true, low = math.max(smallest > 1 and low or 1, 1), high = math.max(high, 2) } end
  if low == high then return { log = false, low = (low or 0) - 1, high = (high or 0) + 1 } end
  local scale = { log = false, low = low, high = (high + 1) % 10 == 0 and high + 1 or high }
  if high - low <= 12 then -- there is no half a step
    scale.ticks = {}
    for step = low, high do scale.ticks[#scale.ticks + 1] = { step, ("%d"):format(step) } end
  end
  return scale
end

-- Which groups are drawn, and the words for it.
local function choose(selected, metric, spec)
  local by = spec.by
  local groups = selected:groups(by or selected.varying)
  local with = {}
  for _, group in ipairs(groups) do
    for _, run in ipairs(group.runs) do
      if #selected:trace(run, metric) > 0 then
        with[#with + 1] = group
        break
      end
    end
  end
  if by then return selected:few(with, most_lines.asked, metric) end
  local best, which = selected:few(with, most_lines.best, metric)
  return which and best or selected:best(with, #with, metric), which
end

local function panel(selected, name, spec)
  local metric = selected:metric(name, 0).variable
  local forced_x = axis.forced(spec.log, "x")
  local groups, which = choose(selected, metric, spec)
  local summaries, counts = {}, {}
  for i, group in ipairs(groups) do
    summaries[i], counts[i] = summary(selected, group, metric, { smooth = spec.smooth, log_x = forced_x })
  end
  local x = scale_x(summaries, forced_x)
  local y, cut = scale_y(summaries, axis.forced(spec.log, "y"), selected:shrinks(metric))
  x.label = "step"
  y.label = selected:labelled(metric)
  local bands, lines = {}, {}
  for i, rows in ipairs(summaries) do
    for _, layer in ipairs(layers_of(rows, counts[i], y, i, selected:legend(groups, i), #groups > 3)) do
      local into = layer.draw == "band" and bands or lines
      into[#into + 1] = layer
    end
  end
  local line, band = selected:described(groups)
  local note = { line }
  if which then table.insert(note, 1, which) end
  note[#note + 1] = spec.by and selected:pooled(spec.by) or nil
  note[#note + 1] = spec.smooth and ("mean of %d steps"):format(spec.smooth) or nil
  note[#note + 1] = cut and "curves that leave at the top go on" or nil
  note[#note + 1] = selected:absent()
  local by = spec.by or selected.varying
  return { x = x, y = y, layers = table.move(lines, 1, #lines, #bands + 1, bands), note = table.concat(note, "; "), band = band,
    legend = #by == 1 and by[1] or nil }
end

-- Panels, one per metric, over one axis of steps.
---@param selected thalweg.Selection
---@param spec table
---@return table figure
function curves.figure(selected, spec)
  local figure = { panels = {} }
  local wanted = #spec.metric > 0 and spec.metric or { selected:metric(nil, 0).variable }
  for i, name in ipairs(wanted) do
    figure.panels[i] = panel(selected, name, spec)
    figure.panels[i].title = i == 1 and spec.title or nil
    if i > 1 then
      local first, x = figure.panels[1].x, figure.panels[i].x
      figure.panels[i].note, figure.panels[i].band = nil, nil
      first.low, first.high = math.min(first.low, x.low), math.max(first.high, x.high)
    end
  end
  for i = 2, #wanted do figure.panels[i].x.low, figure.panels[i].x.high = figure.panels[1].x.low, figure.panels[1].x.high end
  return figure
end

return curves
