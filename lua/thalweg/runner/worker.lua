-- A worker process: one logbook, one unit of runs after another. It was forked after the plan was made, so a message only names rows of it.
-- It is told "<batch> <unit> <unit> ...", a unit being rows with commas between, and reports the end of each run in a line
-- "<row>\t<status>\t<objective or nan>\t<wall seconds>\t<message>".
-- What is reported is written.
local core = require "thalweg.core"
local groups = require "thalweg.runner.groups"
local object = require "thalweg.runner.object"
local ordered = require "thalweg.ordered"
local process = require "thalweg.run"
local record = require "thalweg.record"
local restore = require "thalweg.runner.restore"
local sys = require "thalweg.sys"

local worker = {}

local report_every = 0.005   -- seconds: ends of very short runs share a message
local report_limit = 50000   -- bytes
local working_set = sys.cache() or 1 << 20 -- bytes: as many lanes as keep what they compute with in the processor's own cache
local large = 4 << 20        -- bytes: a run that differs in more is done with as few others as fit
local widest = 1024          -- lanes

-- One line, short enough for a message.
local function line(text)
  text = text:gsub("[%c]+", " ")
  return #text > 2000 and text:sub(1, 2000) .. "..." or text
end

local function log_of(job, row) return job.dir .. "/" .. row.hex .. ".log" end

-- What has been written so far becomes the log of a run that ends.
local function copy_output(job, row)
  if process.captured() == 0 then return end
  local file, copy = io.open(job.capture, "rb"), io.open(log_of(job, row), "wb")
  if file and copy then copy:write(file:read("a")) end
  if file then file:close() end
  if copy then copy:close() end
end

-- And of those that end with the pass; what follows starts with an empty file.
local function keep_output(job, rows)
  if process.captured() == 0 then return end
  for i = 2, #rows do copy_output(job, rows[i]) end
  if rows[1] then os.rename(job.capture, log_of(job, rows[1])) end
  process.capture(job.capture)
end

-- math.random has one state for all lanes, so that runs with seeds of their own cannot have it.
local function without_random(f, ...)
  local random, randomseed = math.random, math.randomseed
  local function refuse() error("math.random: the seed differs between the runs computed together (lanes); use run:rng(\"name\")", 2) end
  math.random, math.randomseed = refuse, refuse
  local out = table.pack(f(...))
  math.random, math.randomseed = random, randomseed
  return table.unpack(out, 1, out.n)
end

local Worker = {}
Worker.__index = Worker

-- Performs rows in one pass of the script, lane by lane into the logbook. `o` may have: tap, a function that sees every row; unrecorded, the lane whose rows
-- are checked but not written. Returns the reports of the runs that have ended, and what failed where the pass must be done again one by one.
function Worker:pass(units, o)
  if self.used then self.initial:restore() end
  self.used = true
  local job, book, experiment = self.job, self.book, self.job.experiment
  local rows, attempts, reports = {}, {}, {}
  for lane, i in ipairs(units) do
    rows[lane], attempts[lane] = job.rows[i], (job.attempts[i] or 1) + (self.again[i] or 0)
    if attempts[lane] > 1 then os.remove(log_of(job, rows[lane])) end
  end
  local width, declared = #rows, experiment.lanes
  process.working(units[1])
  book:lanes(width)
  for lane, row in ipairs(rows) do
    book:begin(row.id, attempts[lane], row.seed, { diverge = experiment.diverge, lanes = width, muted = lane == o.unrecorded }, lane)
  end
  core.begin_run(rows[1].seed, experiment.dtype)
  if #declared > 0 then core.lanes_begin(width) end
  -- A run's time is its share of the pass: between two ends, the time over the number of runs going on.
  local going, wall, cpu, last_wall, last_cpu = width, 0, 0, process.wall(), process.cpu()
  local function finish(lane, status, message)
    local now_wall, now_cpu = process.wall(), process.cpu()
    wall, cpu = wall + (now_wall - last_wall) / going, cpu + (now_cpu - last_cpu) / going
    last_wall, last_cpu, going = now_wall, now_cpu, math.max(1, going - 1)
    if lane == o.unrecorded then return book:abandon(lane) end
    local value = job.objective and book:last(job.objective, lane)
    book:finish(status, message, wall, cpu, lane)
    reports[#reports + 1] = ("%d\t%s\t%.17g\t%.9g\t%s"):format(units[lane], status, value or 0 / 0, wall, line(message))
  end
  local ok, run = xpcall(object.new, object.on_error, rows, book, declared, function(lane, ...)
    if lane ~= o.unrecorded then copy_output(job, rows[lane]) end
    finish(lane, ...)
  end)
  local status, message, trace
  if not ok then
    status, message, trace = "failed", run.message, run.trace
  else
    if o.tap then object.tap(run, o.tap) end
    local call = self.seeded and without_random or function(f, ...) return f(...) end
    status, message, trace = object.close(run, call(process.call, object.on_error, experiment.run, run))
  end
  core.end_run()
  local failure = width > 1 and core.lanes_failure()
  if failure and status ~= "interrupted" then status, message = "failed", failure end
  local over, left = ok and object.over(run) or {}, {}
  for lane = 1, width do
    if over[lane] then -- its report is written
    elseif lane == o.unrecorded then book:abandon(lane)
    else left[#left + 1] = lane end
  end
  process.working(0)
  if status == "failed" and (width > 1 or o.tap) then
    for _, lane in ipairs(left) do
      book:abandon(lane)
      self.again[units[lane]] = (self.again[units[lane]] or 0) + 1
    end
    process.capture(job.capture) -- what it wrote is written again by the runs that follow
    if width > 1 and message:find("computed together", 1, true) then -- so would other passes, as a rule
      self.width, self.asked = 1, true
      reports[#reports + 1] = "note\tlanes are off, runs are done one by one: " .. line(message)
    end
    local alone = {}
    for k, lane in ipairs(left) do alone[k] = units[lane] end
    return reports, alone, message
  end
  going = math.max(1, #left)
  local share_wall, share_cpu = (process.wall() - last_wall) / going, (process.cpu() - last_cpu) / going
  wall, cpu, last_wall, last_cpu = wall + share_wall, cpu + share_cpu, process.wall(), process.cpu()
  going = math.huge -- the rest is only writing
  for _, lane in ipairs(left) do finish(lane, status, message) end
  if trace then io.stderr:write(trace, "\n") end
  for k, lane in ipairs(left) do left[k] = rows[lane] end
  keep_output(job, left)
  return reports
end

-- Tells passes of one run apart by what they record: every row and result as text, shortened to a hash each.
local function fingerprints()
  local list = {}
  local function plain(x) return type(x) ~= "number" and tostring(x) or x ~= x and "nan" or ("%a"):format(x) end -- the file knows one NaN
  local function text_of(v, lane)
    if type(v) ~= "userdata" then return plain(v) end
    local one = core.lane(v, lane)
    local out = {}
    for i, x in ipairs(one.ndim == 0 and { one:item() } or one:reshape(-1):table()) do out[i] = plain(x) end
    return table.concat(out, " ")
  end
  return list, function(stream, row)
    if row == nil then stream, row = "", stream end
    local parts = { stream }
    for name, v in ordered.pairs(row) do parts[#parts + 1] = name .. "=" .. text_of(v, 1) end
    list[#list + 1] = core.sha256(table.concat(parts, "\n")):sub(1, 16)
  end
end

-- How many of n runs the next pass takes: where nobody asked for a width, passes of about one size.
function Worker:next_width(n)
  if self.asked or n <= self.width then return math.min(n, self.width) end
  return math.ceil(n / math.ceil(n / self.width))
end

-- The first pass with lanes is checked: its first run is also done alone, and that one counts. Where they differ, this worker goes on without lanes.
function Worker:shadow(units)
  local alone, tap = fingerprints()
  local reports = self:pass({ units[1] }, { tap = tap })
  if not self.asked then
    local _, _, _, _, peak = core.memory()
    local fits = working_set // math.max(1, peak)
    if peak <= large then fits = math.max(fits, 16) end -- data of each run's own are not touched at every step, the script is paid at every step
    self.width = math.max(1, math.min(self.width, fits))
  end
  local function send_all(list) table.move(list, 1, #list, #reports + 1, reports) end
  if process.stopping() then return reports end -- the others wait for another invocation
  if #reports == 0 then -- it raised: so will the others, each for itself
    send_all((self:pass({ units[1] }, {})))
    return reports, table.move(units, 2, #units, 1, {})
  end
  local together, see = fingerprints()
  local chunk = table.move(units, 1, math.max(2, self:next_width(#units)), 1, {})
  local done, again, message = self:pass(chunk, { unrecorded = 1, tap = function(...)
    see(...)
    if together[#together] ~= alone[#together] then core.lanes_raise("lanes: row " .. #together .. " differs from the same run alone") end
  end })
  send_all(done)
  self.checked = true
  if not again and #together ~= #alone and not process.stopping() then message = ("lanes: %d rows, alone %d"):format(#together, #alone) end
  if message and message:find("^lanes: ") then
    self.width, self.asked = 1, true
    reports[#reports + 1] = "note\tlanes are off, runs are done one by one: " .. line(message) .. "; what run does depends on more than its parameters"
  end
  return reports, again, table.move(units, #chunk + 1, #units, 1, {})
end

-- Performs a unit and hands its reports to `report`.
function Worker:perform(units, report)
  local waiting = { units }
  while #waiting > 0 and not process.stopping() do
    local next_units = table.remove(waiting)
    local width = #self.job.experiment.lanes > 0 and self.width or 1
    local reports, again, rest
    if #next_units > 1 and width > 1 and not self.checked then
      reports, again, rest = self:shadow(next_units)
    else
      local chunk = table.move(next_units, 1, width > 1 and self:next_width(#next_units) or 1, 1, {})
      rest = table.move(next_units, #chunk + 1, #next_units, 1, {})
      reports, again = self:pass(chunk, {})
    end
    for _, text in ipairs(reports) do report(text) end
    if rest and #rest > 0 then waiting[#waiting + 1] = rest end
    for i = again and #again or 0, 1, -1 do waiting[#waiting + 1] = { again[i] } end
  end
end

-- "12,13,14" or "12@2": rows of one unit, and how often they have been given out before.
function Worker:read(token)
  local units = {}
  local numbers, times = token:match("^([%d,]+)@?(%d*)$")
  for number in numbers:gmatch("%d+") do
    local i = math.tointeger(tonumber(number))
    units[#units + 1] = i
    if times ~= "" then self.again[i] = math.tointeger(tonumber(times)) end
  end
  return units
end

function Worker:serve()
  local reports, size, sent = {}, 0, 0
  local function send()
    if #reports == 0 then return end
    self.book:flush()
    process.send(table.concat(reports, "\n"))
    reports, size, sent = {}, 0, process.wall()
  end
  local function report(text)
    if size + #text > report_limit then send() end
    reports[#reports + 1], size = text, size + #text + 1
  end
  for text in process.receive do
    local batch
    for token in text:gmatch("%S+") do
      if not batch then
        batch = tonumber(token)
      elseif not process.stopping() and batch > process.revoked() then
        self:perform(self:read(token), report)
        if size > report_limit or process.wall() - sent > report_every then send() end
      end
    end
    send()
  end
end

local function new_worker(job, book)
  local _, seeded = groups.declared(job.experiment)
  return setmetatable({
    job = job, book = book, initial = restore.snapshot(job.experiment.run), used = false, again = {}, checked = job.width == 1,
    width = job.width or widest, asked = job.width ~= nil, seeded = seeded,
  }, Worker)
end

-- The life of a worker. Trouble with the journal ends it: "storage\t<message>" is the last thing it says.
---@param job { experiment: table, rows: table[], attempts: table<integer, integer>, dir: string, capture: string, index: integer, uuid: string,
---  sync: number|string, objective: string|nil, width: integer|nil }
function worker.main(job)
  process.capture(job.capture)
  local ok, err = xpcall(function()
    local book = record.logbook(job.dir, job.index, { uuid = job.uuid, sync = job.sync })
    new_worker(job, book):serve()
    book:close()
  end, function(err) return type(err) == "table" and err or debug.traceback(tostring(err), 2) end)
  if ok then return end
  process.send("storage\t" .. line(tostring(type(err) == "table" and err.message or err)))
end

return worker
