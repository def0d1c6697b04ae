-- A worker process: one logbook, one run after another. It was forked after the plan was made, so a message only names rows of it.
-- It is told "<batch> <row> <row> ..." and reports each end in a line "<row>\t<status>\t<objective or nan>\t<wall seconds>\t<message>".
-- What is reported is written.
local core = require "thalweg.core"
local object = require "thalweg.runner.object"
local process = require "thalweg.run"
local record = require "thalweg.record"
local restore = require "thalweg.runner.restore"

local worker = {}

local report_every = 0.005   -- seconds: ends of very short runs share a message
local report_limit = 50000   -- bytes

-- One line, short enough for a message.
local function line(text)
  text = text:gsub("[%c]+", " ")
  return #text > 2000 and text:sub(1, 2000) .. "..." or text
end

-- What the run wrote becomes <id>.log, and the next run starts with an empty file.
local function keep_output(job, row)
  if process.captured() == 0 then return end
  os.rename(job.capture, job.dir .. "/" .. row.hex .. ".log")
  process.capture(job.capture)
end

-- Performs a run. Returns its report.
local function execute(job, book, i)
  local row, experiment = job.rows[i], job.experiment
  local attempt = job.attempts[i] or 1
  if attempt > 1 then os.remove(job.dir .. "/" .. row.hex .. ".log") end
  process.working(i)
  book:begin(row.id, attempt, row.seed, { diverge = experiment.diverge, lanes = 1 })
  core.begin_run(row.seed, experiment.dtype)
  local run = object.new(row, book)
  local wall, cpu = process.wall(), process.cpu()
  local ok, err = process.call(object.on_error, experiment.run, run)
  wall, cpu = process.wall() - wall, process.cpu() - cpu
  core.end_run()
  local status, message, trace = object.close(run, ok, err)
  local value = job.objective and book:last(job.objective)
  book:finish(status, message, wall, cpu)
  process.working(0)
  if trace then io.stderr:write(trace, "\n") end
  keep_output(job, row)
  return ("%d\t%s\t%.17g\t%.9g\t%s"):format(i, status, value or 0 / 0, wall, line(message))
end

local function serve(job, book)
  local reports, size, sent = {}, 0, 0
  local initial, used = restore.snapshot(job.experiment.run), false
  local function send()
    if #reports == 0 then return end
    book:flush()
    process.send(table.concat(reports, "\n"))
    reports, size, sent = {}, 0, process.wall()
  end
  for text in process.receive do
    local batch
    for number in text:gmatch("%d+") do
      if not batch then
        batch = tonumber(number)
      elseif not process.stopping() and batch > process.revoked() then
        if used then initial:restore() end
        used = true
        local report = execute(job, book, tonumber(number))
        reports[#reports + 1], size = report, size + #report + 1
        if size > report_limit or process.wall() - sent > report_every then send() end
      end
    end
    send()
  end
end

-- The life of a worker. Trouble with the journal ends it: "storage\t<message>" is the last thing it says.
---@param job { experiment: table, rows: table[], attempts: table<integer, integer>, dir: string, capture: string, index: integer, uuid: string,
---  sync: number|string, objective: string|nil }
function worker.main(job)
  process.capture(job.capture)
  local ok, err = xpcall(function()
    local book = record.logbook(job.dir, job.index, { uuid = job.uuid, sync = job.sync })
    serve(job, book)
    book:close()
  end, function(err) return type(err) == "table" and err or debug.traceback(tostring(err), 2) end)
  if ok then return end
  process.send("storage\t" .. line(tostring(type(err) == "table" and err.message or err)))
end

return worker
