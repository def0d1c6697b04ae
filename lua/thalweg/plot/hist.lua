-- Histograms over runs of a metric's final value, optionally with the normal curve of the sample's mean and standard deviation.
local axis = require "thalweg.plot.axis"
local statistics = require "thalweg.plot.statistics"

local hist = {}

local most_groups = 4

local function fail(format, ...) error({ message = "plot: " .. string.format(format, ...), status = 2 }, 0) end

-- Freedman and Diaconis 1981: bins 2 IQR n^(-1/3) wide, from 5 to 60 of them.
local function bins(values)
  local sorted = statistics.sorted(values)
  local low, high, n = sorted[1], sorted[#sorted], #sorted
  if low == high then
    local half = math.max(math.abs(low) * 0.05, 1e-12)
    return low - half, 2 * half, 1
  end
  local spread = statistics.quantile(sorted, 0.75) - statistics.quantile(sorted, 0.25)
  local width = 2 * spread * n ^ (-1 / 3)
  local count = width > 0 and math.ceil((high - low) / width) or 10
  count = math.max(5, math.min(count, 60))
  return low, (high - low) / count, count
end

local function counted(values, low, width, count, back)
  local rows, at = {}, {}
  for k = 1, count do at[k] = 0 end
  for _, v in ipairs(values) do
    local k = math.min(count, math.max(1, math.floor((v - low) / width) + 1))
    at[k] = at[k] + 1
  end
  for k = 1, count do
    local first, last = back(low + (k - 1) * width), back(low + k * width)
    rows[k] = { (first + last) / 2, at[k], last - first }
  end
  return rows
end

-- The counts that a normal sample of this size, mean and deviation would have in the mean: n times the density times the width of a bin there.
local function normal(values, low, width, count, back, log)
  local mean, deviation = statistics.moments(values)
  local rows = {}
  if deviation == 0 then return rows, mean, deviation end
  local first, last = low, low + count * width
  if not log then first, last = math.min(first, mean - 3.5 * deviation), math.max(last, mean + 3.5 * deviation) end
  for i = 0, 200 do
    local u = first + (last - first) * i / 200
    local x, bin = back(u), back(u + width / 2) - back(u - width / 2)
    local z = (x - mean) / deviation
    rows[i + 1] = { x, #values * bin * math.exp(-0.5 * z * z) / (deviation * math.sqrt(2 * math.pi)) }
  end
  return rows, mean, deviation
end

local function same(v) return v end
local function power(v) return 10 ^ v end

-- The runs' values per group, and how many are left out: diverged, or far above where the runs began.
local function collect(selected, groups, metric, at)
  local most, lists, all, lost, over = selected:ceiling(metric, 100), {}, {}, 0, 0
  for i, group in ipairs(groups) do
    lists[i] = {}
    for _, run in ipairs(group.runs) do
      local v = selected:value(run, metric, at)
      if v == math.huge or v == -math.huge then
        lost = lost + 1
      elseif v and most and v > most then
        over = over + 1
      elseif v then
        table.insert(lists[i], v)
        all[#all + 1] = v
      end
    end
  end
  if #all == 0 then fail("no run has a finite %s to count: %d diverged, %d far above their start", metric, lost, over) end
  return lists, all, lost, over
end

-- Whether the axis is logarithmic, and the functions to it and back.
local function transform(all, metric, forced)
  local smallest, log = axis.extent(all), forced
  if log and smallest <= 0 then fail("a logarithmic axis has no place for %s = %.6g; leave --log out", metric, smallest) end
  if log == nil then log = smallest > 0 and axis.spans_decades(all) end
  if not log then return false, same, function(values) return values end end
  return true, power, function(values)
    local out = {}
    for i, v in ipairs(values) do out[i] = math.log(v, 10) end
    return out
  end
end

-- The boxes and the normal curves of all groups, the highest of them, and the ends of the curves.
local function layers_of(selected, groups, lists, all, log, back, forth, with_normal)
  local low, width, count = bins(forth(all))
  local boxes, lines, highest, xs = {}, {}, 0, { back(low), back(low + width * count) }
  for i, values in ipairs(lists) do
    local rows = counted(forth(values), low, width, count, back)
    for _, row in ipairs(rows) do highest = math.max(highest, row[2]) end
    local label = selected:legend(groups, i)
    boxes[#boxes + 1] = { draw = "box", rows = rows, style = i, label = label and ("%s, n = %d"):format(label, #values), outline = label ~= nil }
    if with_normal and #values > 0 then
      local curve, mean, deviation = normal(values, low, width, count, back, log)
      for _, row in ipairs(curve) do highest = math.max(highest, row[2]) end
      if curve[1] then xs[#xs + 1], xs[#xs + 2] = curve[1][1], curve[#curve][1] end
      lines[#lines + 1] = { draw = "line", rows = curve, style = label and i or 2, label = ("normal, mean %.4g, sd %.3g"):format(mean, deviation) }
    end
  end
  return table.move(lines, 1, #lines, #boxes + 1, boxes), highest, xs
end

---@param selected thalweg.Selection
---@param spec table
---@return table figure
function hist.figure(selected, spec)
  local metric = selected:metric(spec.metric[1], 0, true).variable
  local groups, which = selected:few(selected:groups(spec.by or selected.varying), spec.by and most_groups or 1, metric)
  if which and not spec.by then
    which = which .. ": " .. (#selected.varying == 1 and selected.varying[1] .. "=" or "") .. groups[1].label
  end
  local lists, all, lost, over = collect(selected, groups, metric, spec.at)
  local log, back, forth = transform(all, metric, axis.forced(spec.log, "x"))
  local layers, highest, xs = layers_of(selected, groups, lists, all, log, back, forth, spec.normal)
  local x, y = axis.scale(xs, log), { label = "runs", low = 0, high = highest * 1.06 }
  x.label = selected:value_label(metric, spec.at)
  if highest <= 10 then -- there is no half a run
    y.ticks = {}
    for k = 0, math.floor(y.high) do y.ticks[k + 1] = { k, tostring(k) } end
  end
  local note = { which }
  note[#note + 1] = #all == 1 and "1 run" or #all .. " runs"
  if #groups == 1 then note[#note + 1] = ("mean %.6g, standard deviation %.3g"):format(statistics.moments(all)) end
  note[#note + 1] = over > 0 and over .. " far above" or nil
  note[#note + 1] = lost > 0 and lost .. " diverged" or nil
  note[#note + 1] = spec.by and selected:pooled(spec.by) or nil
  note[#note + 1] = selected:absent()
  return { panels = { { title = spec.title, note = table.concat(note, "; "), x = x, y = y, layers = layers,
    legend = spec.by and #spec.by == 1 and spec.by[1] or nil } } }
end

return hist
