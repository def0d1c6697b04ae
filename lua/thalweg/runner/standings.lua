-- The table that ends a sweep and that `thalweg best` prints: configurations by the median of the objective over their repeats, its spread over
-- seeds, and their results.
local labels = require "thalweg.runner.labels"
local names = require "thalweg.names"

local standings = {}

local counted = { done = true, stopped = true }

-- The median of numbers without NaN; of an even count the mean of the middle two. NaN of none.
---@param values number[]
---@return number
function standings.median(values)
  local n = #values
  if n == 0 then return 0 / 0 end
  local sorted = table.move(values, 1, n, 1, {})
  table.sort(sorted)
  if n % 2 == 1 then return sorted[(n + 1) // 2] end
  return (sorted[n // 2] + sorted[n // 2 + 1]) / 2
end

local function show(v)
  if v == nil then return "" end
  if math.type(v) == "float" then return v == v and ("%.6g"):format(v) or "-" end
  return tostring(v)
end

-- Lines of a text table: numbers flush right, the rest flush left.
---@param header string[]
---@param rows any[][]
---@return string[]
function standings.layout(header, rows)
  local width, right, lines = {}, {}, {}
  for c, name in ipairs(header) do
    width[c], right[c] = utf8.len(name) or #name, #rows > 0
    for _, row in ipairs(rows) do
      local text = show(row[c])
      width[c] = math.max(width[c], utf8.len(text) or #text)
      right[c] = right[c] and (row[c] == nil or tonumber(row[c]) ~= nil)
    end
  end
  local function line(cells)
    local out = {}
    for c = 1, #header do
      local text = show(cells[c])
      local pad = (" "):rep(width[c] - (utf8.len(text) or #text))
      out[c] = right[c] and pad .. text or text .. pad
    end
    return (table.concat(out, "  "):gsub("%s+$", ""))
  end
  lines[1] = line(header)
  for i, row in ipairs(rows) do lines[i + 1] = line(row) end
  return lines
end

---@class thalweg.Standing
---@field text string canonical text of the parameters
---@field scores number[] the objective of the runs that count
---@field results table<string, number[]>
---@field planned integer
---@field median number

-- What configurations can be ranked by: metrics, and results of whole runs where no metric has the name.
---@return table<string, "metric"|"result">
function standings.known(sweep)
  local known = {}
  for _, name in ipairs(sweep:results()) do known[name] = "result" end
  for _, m in ipairs(sweep:metrics()) do known[m.variable] = "metric" end
  return known
end

-- Does a metric of this name have one number a row? Returns its shape, too.
---@param sweep userdata
---@param name string
---@return boolean, integer[]|nil
function standings.ranks(sweep, name)
  for _, m in ipairs(sweep:metrics()) do
    if m.variable == name and #m.shape > 0 then return false, m.shape end
  end
  return true
end

-- Configurations in the order of their first run, with the scores of their runs.
---@return thalweg.Standing[]
local function collect(sweep, metric, at, is_result, o)
  local pick = { final = sweep.final, min = sweep.min, max = sweep.max }
  local score = is_result and sweep:result(metric) or pick[at](sweep, metric)
  local results = {}
  for _, name in ipairs(sweep:results()) do results[name] = sweep:result(name) end
  local list, by_config = {}, {}
  for i = 1, #sweep do
    local row = sweep:row(i)
    local values, entry = row.values, by_config[row.config]
    if o.holds then
      values["repeat"], values.status = row.rep, row.status
      if not o.holds(values) then goto next_row end
    end
    if not entry then
      entry = { text = row.text, scores = {}, results = {}, planned = 0, of = o.by and (values[o.by] == nil and "-" or values[o.by]) }
      by_config[row.config] = entry
      list[#list + 1] = entry
    end
    entry.planned = entry.planned + 1
    if counted[row.status] then
      if score[i] == score[i] then entry.scores[#entry.scores + 1] = score[i] end
      for name, column in next, results do
        local v = column[i]
        entry.results[name] = entry.results[name] or {}
        if v == v then table.insert(entry.results[name], v) end
      end
    end
    ::next_row::
  end
  return list
end

-- The first of each value of the parameter asked for.
local function first_of_each(ranked)
  local seen, out = {}, {}
  for _, entry in ipairs(ranked) do
    if not seen[entry.of] then
      seen[entry.of] = true
      out[#out + 1] = entry
    end
  end
  return out
end

-- The lines of the table.
---@param sweep userdata
---@param o { metric: string, goal: "min"|"max", at: "final"|"min"|"max", n: integer, by: string|nil, holds: nil|fun(values: table): boolean }
---@return string[]
function standings.lines(sweep, o)
  local known = standings.known(sweep)
  local is_result = known[o.metric] == "result"
  local ranks, shape = standings.ranks(sweep, o.metric)
  if not ranks then
    return { ("%s has the shape [%s] at every step; configurations are ranked by a single number"):format(o.metric, table.concat(shape, " ")) }
  end
  local list = collect(sweep, o.metric, o.at, is_result, o)
  local ranked = {}
  if #list == 0 then return { "no run is selected" } end
  for i, entry in ipairs(list) do
    entry.place, entry.median = i, standings.median(entry.scores)
    if #entry.scores > 0 then ranked[#ranked + 1] = entry end
  end
  if #ranked == 0 then
    local hint = next(known) and not known[o.metric] and "; " .. names.hint(o.metric, names.of(known)) or ""
    return { ("no run has a result with %s yet%s"):format(o.metric, hint) }
  end
  local sign = o.goal == "max" and -1 or 1
  table.sort(ranked, function(a, b)
    if a.median ~= b.median then return sign * a.median < sign * b.median end
    return a.place < b.place
  end)
  if o.by then ranked = first_of_each(ranked) end
  local texts = {}
  for i, entry in ipairs(list) do texts[i] = entry.text end
  local parameters, values_of = labels.varying(texts)
  local results = {}
  for _, name in ipairs(sweep:results()) do
    if not (is_result and name == o.metric) then results[#results + 1] = name end
  end
  local shown = math.min(o.n, #ranked)
  local header = { "#" }
  for _, name in ipairs(parameters) do header[#header + 1] = name end
  table.move({ o.metric, "min", "max", "seeds" }, 1, 4, #header + 1, header)
  for _, name in ipairs(results) do header[#header + 1] = name end
  local rows = {}
  for i = 1, shown do
    local entry, row = ranked[i], { i }
    for c, name in ipairs(parameters) do row[c + 1] = values_of(entry.text)[name] end
    local c = #parameters + 1
    row[c + 1], row[c + 2], row[c + 3] = entry.median, math.min(table.unpack(entry.scores)), math.max(table.unpack(entry.scores))
    row[c + 4] = #entry.scores == entry.planned and #entry.scores or ("%d of %d"):format(#entry.scores, entry.planned)
    for k, name in ipairs(results) do row[c + 4 + k] = standings.median(entry.results[name] or {}) end
    rows[i] = row
  end
  local lines = standings.layout(header, rows)
  local how = (o.at == "final" or is_result) and "" or o.at .. " over the steps, "
  local of = o.by and ("best for each %s, %d of %d"):format(o.by, shown, #list) or shown < #list and ("best %d of %d"):format(shown, #list) or tostring(shown)
  local end_first = o.goal == "max" and "highest" or "lowest"
  table.insert(lines, 1, ("%s configuration%s by %s (%smedian over seeds, %s first):"):format(of, #list == 1 and "" or "s", o.metric, how, end_first))
  return lines
end

return standings
