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

-- A recorded schedule: one line per distinct trace; parameters on which it does not depend are left out of the labels.
---@param selected thalweg.Selection
---@param spec table
---@return table figure
function shapes.recorded(selected, spec)
  if not spec.metric[1] and not selected:metrics().lr then
    fail("the runs have not logged lr; name the metric that holds the schedule: thalweg plot OUT.h5 METRIC --kind schedule")
  end
  local metric = selected:metric(spec.metric[1] or "lr", 0).variable
  local function fingerprint(run)
    local values, steps = selected:trace(run, metric)
    local cells = {}
    for i = 1, #values do cells[i] = ("%d %a"):format(steps[i], values[i]) end
    return table.concat(cells, "\n")
  end
  local kept, by_trace, order = {}, {}, {}
  for _, run in ipairs(selected.runs) do
    if #selected:trace(run, metric) > 0 then
      kept[run] = fingerprint(run)
      if not by_trace[kept[run]] then
        by_trace[kept[run]] = run
        order[#order + 1] = kept[run]
      end
    end
  end
  if #order == 0 then fail("no run selected has a row with %s", metric) end
  -- The parameters that tell the traces apart: each is dropped when the rest still does.
  local by = table.move(selected.varying, 1, #selected.varying, 1, {})
  local function tells_apart(names)
    for _, group in ipairs(selected:groups(names)) do
      local first
      for _, run in ipairs(group.runs) do
        first = first or kept[run]
        -- A run that ended early has a part of the others' trace.
        if kept[run] and first and kept[run]:sub(1, #first) ~= first and first:sub(1, #kept[run]) ~= kept[run] then return false end
      end
    end
    return true
  end
  for i = #by, 1, -1 do
    local fewer = table.move(by, 1, i - 1, 1, {})
    table.move(by, i + 1, #by, i, fewer)
    if tells_apart(fewer) then by = fewer end
  end
  if spec.by then by = spec.by end
  local values, layers, labels = {}, {}, {}
  local groups, note = selected:groups(by), nil
  if #groups > most_lines then
    local all, ranking = #groups, nil
    groups, ranking = selected:best(groups, most_lines, metric)
    note = ("best %d of %d by %s"):format(#groups, all, ranking)
  end
  for _, group in ipairs(groups) do
    local longest
    for _, run in ipairs(group.runs) do
      if kept[run] and (not longest or #selected:trace(run, metric) > #selected:trace(longest, metric)) then longest = run end
    end
    if longest then
      local v, s = selected:trace(longest, metric)
      local rows = {}
      for k = 1, #v do
        rows[k] = { s[k], v[k] }
        values[#values + 1] = v[k]
      end
      layers[#layers + 1] = { draw = "line", rows = rows, style = #layers + 1, marked = #rows <= 25 }
      labels[#layers] = group.label
    end
  end
  local forced = axis.forced(spec.log, "y")
  local log = forced
  if log == nil then log = axis.spans_decades(values) end
  local y = axis.scale(values, log)
  y.label = selected:labelled(metric)
  local last = 1
  for i, layer in ipairs(layers) do
    layer.label = #layers > 1 and (labels[i] ~= "" and labels[i] or "all") or nil
    last = math.max(last, layer.rows[#layer.rows][1])
    for k, row in ipairs(layer.rows) do layer.rows[k] = not (y.log and row[2] <= 0) and row end
  end
  if (last + 1) % 10 == 0 then last = last + 1 end
  return { panels = { { title = spec.title, note = note, x = { label = "step", low = 0, high = last }, y = y, layers = layers, legend = #by == 1 and by[1] or nil } } }
end

return shapes
