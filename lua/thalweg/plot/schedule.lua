-- The shapes of schedules over the steps: of schedules themselves, or of a metric that runs have recorded, such as the learning rate in force.
local axis = require "thalweg.plot.axis"
local ordered = require "thalweg.ordered"
local schedule = require "thalweg.schedule"
local space = require "thalweg.space"
local strict = require "thalweg.strict"

local shapes = {}

local most_lines = 8

local function fail(format, ...) error({ message = "plot: " .. string.format(format, ...), status = 2 }, 0) end

-- A Lua expression in a script's environment, where the schedules' names stand for themselves too.
---@param text string
---@return any
function shapes.evaluate(text)
  local tw = require "thalweg"
  local names = { tw = tw, space = tw.space, schedule = tw.schedule, require = require }
  for name, f in ordered.pairs(schedule) do
    if name ~= "is" then names[name] = f end
  end
  local chunk, message = load("return " .. text, "=expression", "t", strict.environment(names))
  if not chunk then fail("the expression is wrong: %s: %s", text, (message:gsub("^expression:%d+: ", ""))) end
  local ok, value = pcall(chunk)
  if not ok then
    local said = type(value) == "table" and value.message or tostring(value)
    fail("the expression is wrong: %s: %s", text, (said:gsub("^expression:%d+: ", "")))
  end
  return value
end

-- What an expression or a value stands for: schedules, with their texts. A space of schedules is all of them.
local function add(list, v, text)
  if type(v) == "string" then return add(list, shapes.evaluate(v), v) end
  if type(v) == "number" then v = schedule.constant(v) end
  if schedule.is(v) then
    list[#list + 1] = { label = v.text, at = v.at }
    return
  end
  if space.is(v) then
    for _, item in ipairs(space.enumerate(v)) do add(list, item, text) end
    return
  end
  fail("a schedule is needed: %s is a %s; write an expression such as 0.1 * cosine{ steps = 100 }", text or "the value", type(v))
end

local function step_length(steps) return steps <= 4000 and 1 or math.ceil(steps / 4000) end

---@param spec { schedules: any[], steps?: integer, title?: string, log?: string }
---@return table figure
function shapes.figure(spec)
  local list, steps = {}, spec.steps or 100
  for _, v in ipairs(spec.schedules) do add(list, v) end
  local note
  if #list > most_lines then
    note = ("the first %d of %d"):format(most_lines, #list)
    list = table.move(list, 1, most_lines, 1, {})
  end
  local values, rows = {}, {}
  for i, one in ipairs(list) do
    rows[i] = {}
    for t = 0, steps - 1, step_length(steps) do
      local v = one.at(t)
      if v ~= v or v == math.huge or v == -math.huge then fail("%s is not finite at step %d: the value is %s", one.label, t, tostring(v)) end
      rows[i][#rows[i] + 1] = { t, v }
      values[#values + 1] = v
    end
  end
  local log_y, log_x = axis.forced(spec.log, "y"), axis.forced(spec.log, "x")
  local y = axis.scale(values, log_y or false)
  if not y.log and y.low > 0 and y.low < 0.3 * y.high or not y.log and y.low < 0 and axis.extent(values) >= 0 then y.low = 0 end
  y.label = "value"
  local x = log_x and { log = true, low = 1, high = math.max(steps - 1, 2) } or { low = 0, high = math.max(steps - 1, 1) }
  x.label = "step"
  local layers = {}
  for i, one in ipairs(list) do
    local kept = {}
    for k, row in ipairs(rows[i]) do kept[k] = not (y.log and row[2] <= 0) and not (x.log and row[1] < 1) and row end
    layers[i] = { draw = "line", rows = kept, style = i, label = #list > 1 and one.label or nil, marked = #rows[i] <= 25 }
  end
  local title = spec.title or (#list == 1 and list[1].label or "schedules")
  return { panels = { { title = title, note = note, x = x, y = y, layers = layers } } }
end

-- The rows of a run as one text, step by step, so that the trace of a run that ended early is the beginning of another's.
local function fingerprint(selected, run, metric)
  local values, steps = selected:trace(run, metric)
  local cells = {}
  for i = 1, #values do cells[i] = ("%d %a\n"):format(steps[i], values[i]) end
  return table.concat(cells)
end

-- Whether the runs of each group have one trace.
local function agree(groups, prints)
  for _, group in ipairs(groups) do
    local longest = ""
    for _, run in ipairs(group.runs) do
      local a, b = prints[run] or "", longest
      if #a > #b then a, b = b, a end
      if b:sub(1, #a) ~= a then return false end
      longest = b
    end
  end
  return true
end

-- The parameters that tell the traces apart: each that varies is dropped when the others still do.
local function telling(selected, prints)
  local by = selected.varying
  for i = #by, 1, -1 do
    local fewer = {}
    for k, name in ipairs(by) do
      if k ~= i then fewer[#fewer + 1] = name end
    end
    if agree(selected:groups(fewer), prints) then by = fewer end
  end
  return by
end

-- The longest trace of a group, as rows.
local function longest_rows(selected, group, metric)
  local values, steps = {}, {}
  for _, run in ipairs(group.runs) do
    local v, s = selected:trace(run, metric)
    if #v > #values then values, steps = v, s end
  end
  local rows = {}
  for k = 1, #values do rows[k] = { steps[k], values[k] } end
  return rows
end

-- A recorded schedule: one line per distinct trace; parameters on which it does not depend are left out of the labels.
---@param selected thalweg.Selection
---@param spec table
---@return table figure
function shapes.recorded(selected, spec)
  if not spec.metric[1] and not selected:metrics().lr then
    fail("the runs have not logged lr; name the metric that holds the schedule: thalweg plot OUT.h5 METRIC --kind schedule")
  end
  local metric = selected:metric(spec.metric[1] or "lr", 0).variable
  local prints = {}
  for _, run in ipairs(selected.runs) do
    if #selected:trace(run, metric) > 0 then prints[run] = fingerprint(selected, run, metric) end
  end
  if next(prints) == nil then fail("no run selected has a row with %s", metric) end
  local by = spec.by or telling(selected, prints)
  local groups, note = selected:few(selected:groups(by), most_lines, metric)
  local values, layers, last = {}, {}, 1
  for i, group in ipairs(groups) do
    local rows = longest_rows(selected, group, metric)
    if #rows > 0 then
      for _, row in ipairs(rows) do values[#values + 1] = row[2] end
      last = math.max(last, rows[#rows][1])
      layers[#layers + 1] = { draw = "line", rows = rows, style = #layers + 1, marked = #rows <= 25, label = selected:legend(groups, i) }
    end
  end
  local log = axis.forced(spec.log, "y")
  if log == nil then log = axis.spans_decades(values) end
  local y = axis.scale(values, log)
  y.label = selected:labelled(metric)
  for _, layer in ipairs(layers) do
    for k, row in ipairs(layer.rows) do layer.rows[k] = row[2] > -math.huge and row[2] < math.huge and not (y.log and row[2] <= 0) and row end
  end
  if (last + 1) % 10 == 0 then last = last + 1 end
  return { panels = { { title = spec.title, note = note, x = { label = "step", low = 0, high = last }, y = y, layers = layers,
    legend = #by == 1 and by[1] or nil } } }
end

return shapes
