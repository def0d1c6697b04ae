-- `thalweg run`: a script's plan, less what the file already has, executed by worker processes into one file.
-- Every start is a recovery; a plan only grows; nothing is ever removed from a file.
local experiments = require "thalweg.experiment"
local groups = require "thalweg.runner.groups"
local labels = require "thalweg.runner.labels"
local packer = require "thalweg.runner.packer"
local object = require "thalweg.runner.object"
local place = require "thalweg.runner.place"
local planner = require "thalweg.plan"
local pool = require "thalweg.runner.pool"
local process = require "thalweg.run"
local progress = require "thalweg.runner.progress"
local provenance = require "thalweg.runner.provenance"
local record = require "thalweg.record"
local script = require "thalweg.script"
local standings = require "thalweg.runner.standings"
local sys = require "thalweg.sys"
local worker = require "thalweg.runner.worker"

local runner = {}

---@class thalweg.RunOptions
---@field file string the script
---@field output string|nil OUT.h5; default runs/<name>.h5
---@field workers integer|nil default: all processors
---@field set { [1]: string, [2]: any[] }[]|nil
---@field only string|nil
---@field ids string[]|nil hexadecimal run ids, or their beginnings
---@field lanes integer|nil runs in one pass at most
---@field repeats integer|nil
---@field seed integer|nil
---@field quick boolean|nil the experiment's quick form, by default into runs/<name>.quick.h5
---@field runs string|nil the folder of the default output; default runs
---@field dry_run boolean|nil
---@field retry boolean|nil
---@field fresh boolean|nil
---@field accept_script boolean|nil
---@field keep_journal boolean|nil
---@field sync number|string|nil
---@field compress integer|nil
---@field quiet boolean|nil
---@field command string

local has_result = { done = true, stopped = true, diverged = true }
local has_failed = { failed = true, timeout = true, crashed = true }

local function usage(format, ...) error({ message = string.format(format, ...), status = 2 }, 0) end

local function say(o, ...)
  if not o.quiet then print(string.format(...)) end
end

-- The plan of this invocation: rows in order, whether anything but the script chose them.
local function make_plan(experiment, o)
  local plan = planner.build(experiment, { seed = o.seed, set = o.set, only = o.only, repeats = o.repeats })
  if not o.ids then return plan end
  local rows = {}
  for _, wanted in ipairs(o.ids) do
    local found = false
    for _, row in ipairs(plan.rows) do
      if row.hex:sub(1, #wanted) == wanted then found, rows[row] = true, true end
    end
    if not found then usage("--run: no run of this plan has this id: id is %s; see the ids with --dry-run", wanted) end
  end
  local kept = {}
  for _, row in ipairs(plan.rows) do
    if rows[row] then kept[#kept + 1] = row end
  end
  return { rows = kept, restricted = true, parameters = plan.parameters }
end

-- Refuses a file that another experiment or other code has written.
local function check_origin(experiment, sweep, at, o)
  local name = sweep:meta("name")
  if name and name ~= experiment.name then
    usage("%s holds another experiment: it is %s, the script's is %s; choose another output with -o, or --fresh to move this one aside",
      at.path, name, experiment.name)
  end
  local hash = sweep:meta("code_hash")
  if not hash or hash == experiment.code_hash or o.accept_script then return end
  local diff = provenance.diff(sweep:meta("script") or "", experiment.source, "the script in " .. at.path, o.file)
  if diff == "" then diff = "(the script itself is the same: a file it requires has changed)\n" end
  io.stderr:write(diff)
  usage("%s: the code of run has changed since the runs in %s; --accept-script goes on with the new code, --fresh moves the file aside and starts over",
    o.file, at.path)
end

-- What stands in the file so far, by run id.
local function history_of(sweep)
  if not sweep then return { order = {}, statuses = {}, index = {} } end
  local order = sweep:order()
  local index = {}
  for i, id in ipairs(order) do index[id] = i end
  return { sweep = sweep, order = order, statuses = sweep:statuses(), index = index }
end

-- The rows to execute, as indices into plan.rows, and the attempt each of them is at.
local function choose(plan, known, o)
  local missing, attempts = {}, {}
  for i, row in ipairs(plan.rows) do
    local status = known.statuses[row.id]
    if not has_result[status] and (o.retry or not has_failed[status]) then
      missing[#missing + 1] = i
      local at = known.index[row.id]
      local tried = at and known.sweep:row(at).attempt or 0
      if tried > 0 then attempts[i] = tried + 1 end
    end
  end
  return missing, attempts
end

-- The order of all rows. The script's own enumeration goes first; a restricted invocation leaves the order as it was.
local function new_order(plan, known)
  local mine, order = {}, {}
  for _, row in ipairs(plan.rows) do mine[row.id] = true end
  local function add_old(skip)
    for _, id in ipairs(known.order) do
      if not (skip and mine[id]) then order[#order + 1] = id end
    end
  end
  if plan.restricted then
    add_old(false)
    for _, row in ipairs(plan.rows) do
      if not known.index[row.id] then order[#order + 1] = row.id end
    end
  else
    for _, row in ipairs(plan.rows) do order[#order + 1] = row.id end
    add_old(true)
  end
  return order
end

local function same(a, b)
  if #a ~= #b then return false end
  for i = 1, #a do
    if a[i] ~= b[i] then return false end
  end
  return true
end

local function append_plan(at, experiment, plan, known, order, uuid, o)
  local runs = {}
  for _, row in ipairs(plan.rows) do
    if not known.index[row.id] then
      runs[#runs + 1] = { id = row.id, seed = row.seed, rep = row.rep, text = row.text, values = row.values }
    end
  end
  local meta = provenance.meta(experiment, { seed = o.seed or 0, command = o.command, uuid = uuid })
  record.plan_append(at.dir, { uuid = uuid, meta = meta, order = order, runs = runs })
end

local function dry_run(plan, missing, known, at, o)
  local new = {}
  for _, i in ipairs(missing) do new[i] = true end
  for i, row in ipairs(plan.rows) do
    say(o, "%s  %-11s  seed %d  %s", row.hex, new[i] and "to run" or known.statuses[row.id], row.rep, row.text)
  end
  say(o, "%d of %d runs would be executed, into %s", #missing, #plan.rows, at.path)
end

-- Failures of workers are written down by the coordinator, in a logbook of its own.
local function coroner(at, plan, attempts, uuid, o)
  local book
  return function(i, again, message)
    local row = plan.rows[i]
    book = book or record.logbook(at.dir, 0, { uuid = uuid, sync = o.sync or 5 })
    book:begin(row.id, (attempts[i] or 1) + again, row.seed, { diverge = {}, lanes = 1 })
    book:finish("crashed", message, 0, 0)
    book:flush()
  end
end

local function read_all(path)
  local file = io.open(path, "rb")
  local text = file and file:read("a") or ""
  if file then file:close() end
  return text
end

-- What a row's text is shown as; and another text, of a row that only the file has.
local function shortener_of(plan, other)
  local texts = {}
  for i, row in ipairs(plan.rows) do texts[i] = row.text end
  texts[#texts + 1] = other
  return labels.shortener(texts)
end

-- Executes the rows of `missing`. Returns what pool.execute returns.
local function sweep_runs(at, experiment, plan, missing, attempts, uuid, bar, pack, o)
  local short = shortener_of(plan)
  local units = groups.units(experiment, plan.rows, missing, o.workers or sys.cpus(), o.lanes)
  local count = math.min(o.workers or sys.cpus(), #units)
  local bury = coroner(at, plan, attempts, uuid, o)
  local function output(index) return ("%s/w%d.out"):format(at.dir, index) end
  return pool.execute {
    units = units, workers = count, progress = bar, packer = pack,
    launch = function(index)
      return process.spawn(function()
        at.lock:release() -- this process's copy: a dead coordinator's lock shall not live on in its workers
        worker.main {
          experiment = experiment, rows = plan.rows, attempts = attempts, dir = at.dir, capture = output(index), index = index, uuid = uuid,
          sync = o.sync or 5, objective = experiment.objective.metric, width = o.lanes,
        }
      end)
    end,
    ended = function(i, status, value, message)
      local row = plan.rows[i]
      bar:run_ended(status, value, short(row.text))
      if status == "failed" then bar:complain(("run %s failed: %s  (%s, seed %d)"):format(row.hex, message, short(row.text), row.rep)) end
    end,
    crashed = function(i, index, again, message)
      local row = plan.rows[i]
      bury(i, again, message)
      if read_all(output(index)) ~= "" then os.rename(output(index), ("%s/%s.log"):format(at.dir, row.hex)) end
      bar:run_ended("crashed", 0 / 0, short(row.text))
      bar:complain(("run %s crashed: %s  (%s, seed %d)"):format(row.hex, message, short(row.text), row.rep))
    end,
    stillborn = function(index) return (read_all(output(index)):gsub("%s+$", "")) end,
  }
end

-- The best run the file has, and its parameters: what the live line starts from.
local function best_of(sweep, experiment)
  local objective = experiment.objective
  local sign, best, text = objective.goal == "max" and 1 or -1, nil, nil
  if not sweep or not standings.ranks(sweep, objective.metric) then return nil, nil end
  local scores = sweep[objective.at](sweep, objective.metric)
  local statuses = sweep:statuses()
  for i, id in ipairs(sweep:order()) do
    local score = scores[i]
    if (statuses[id] == "done" or statuses[id] == "stopped") and score == score and (not best or sign * score > sign * best) then
      best, text = score, sweep:row(i).text
    end
  end
  return best, text
end

local function signals_so_far()
  local interrupts, terminations = process.signals()
  return interrupts + terminations
end

-- Writes the file. A second signal ends that: the first one asks for an orderly end, which this is. Returns true and whether the file is complete, or false
-- and a message.
local function pack_file(pack)
  local before = math.max(1, signals_so_far())
  local started, message = pcall(packer.start, pack, true)
  if not started then return false, message end
  while true do
    local ok, what = packer.check(pack)
    if ok ~= nil then return ok, what end
    if signals_so_far() > before then pack.child:kill("KILL") end
    process.poll({ pack.child }, 1)
  end
end

-- Statuses of this plan's rows, counted.
local function tally(plan, statuses)
  local count = { result = 0, failed = 0, left = 0 }
  for _, row in ipairs(plan.rows) do
    local status = statuses[row.id]
    local kind = has_result[status] and "result" or has_failed[status] and "failed" or "left"
    count[kind] = count[kind] + 1
  end
  return count
end

local function show_result(sweep, at, experiment, o)
  if o.quiet then return end
  local objective = experiment.objective
  for _, line in ipairs(standings.lines(sweep, { metric = objective.metric, goal = objective.goal, at = objective.at, n = 10 })) do print(line) end
  print(('open it in Python: import xarray as xr; ds = xr.open_dataset("%s")'):format(at.path))
end

-- Executes what is missing and writes the file. Returns what ended it early ("interrupt", "terminate" or nil), whether at once, and a storage
-- error's message.
local function execute(at, experiment, plan, known, o)
  local missing, attempts = choose(plan, known, o)
  local order = new_order(plan, known)
  local leftover = sys.kind(at.dir .. "/plan.jnl") == "file"
  local changed = not same(order, known.order) or known.sweep:meta("script") ~= experiment.source
  local uuid = known.sweep and known.sweep:meta("uuid") or record.uuid()
  if #missing > 0 or changed then append_plan(at, experiment, plan, known, order, uuid, o) end
  local best, best_text = best_of(known.sweep, experiment)
  known.sweep = nil
  collectgarbage() -- the workers need no copy of the past
  place.sweep_out(at)
  local pack = packer.new(at, o.compress or 0)
  local by, at_once, trouble
  process.watch()
  if #missing > 0 then
    local objective = experiment.objective
    local bar = progress.new {
      name = experiment.name, total = #plan.rows, done = #plan.rows - #missing, metric = objective.metric, goal = objective.goal, quiet = o.quiet,
      best = best, best_text = best and shortener_of(plan, best_text)(best_text),
    }
    by, at_once, trouble = sweep_runs(at, experiment, plan, missing, attempts, uuid, bar, pack, o)
    bar:close()
  else
    local count = tally(plan, known.statuses)
    local failures = count.failed > 0 and ("; %d failed: --retry does them again"):format(count.failed) or ""
    say(o, "nothing to run: %d of %d runs have results%s", count.result, #plan.rows, failures)
  end
  local finished = at.made -- an empty folder
  if not at_once and (#missing > 0 or changed or leftover) then
    local ok, what = pack_file(pack)
    finished = ok and what and not trouble and not o.keep_journal
    if not ok and signals_so_far() > 1 then
      local _, terminations = process.signals()
      by, at_once = by or (terminations > 0 and "terminate" or "interrupt"), true
    elseif not ok then
      trouble = trouble or what
    end
  end
  process.unwatch()
  place.release(at, finished and not at_once)
  return by, at_once, trouble
end

-- Everything that needs the lock, and what is said afterwards. Returns the exit status.
local function locked(at, experiment, plan, o)
  if o.fresh then
    local aside = place.move_aside(at)
    if aside then say(o, "moved aside: %s", aside) end
  end
  local sweep = place.load(at)
  if sweep then check_origin(experiment, sweep, at, o) end
  if sweep and sweep:torn() > 0 then
    say(o, "recovered: an earlier invocation was cut off in the middle of a write; %d bytes of it are passed over", sweep:torn())
  end
  local known = history_of(sweep)
  sweep = nil
  local by, at_once, trouble = execute(at, experiment, plan, known, o)
  local early = by == "terminate" and 75 or 130
  if at_once then return early end
  if trouble then error({ message = trouble .. "; what was written is safe: running again goes on from there", status = 3 }, 0) end
  local final, message = record.load(at.path)
  if not final then error({ message = message, status = 3 }, 0) end
  local count = tally(plan, final:statuses())
  show_result(final, at, experiment, o)
  if count.left > 0 then return by and early or 75 end
  return count.failed > 0 and 1 or 0
end

-- Where the runs of an experiment go unless the command says otherwise.
local function default_output(experiment, folder)
  return ("%s/%s%s.h5"):format(folder or "runs", experiment.name, experiment.is_quick and ".quick" or "")
end

---@class thalweg.Executed
---@field experiment thalweg.Experiment
---@field path string the file
---@field ids integer[] the runs of this plan, in its order

-- Runs a script. Returns the exit status and what was run; raises { message, status }.
---@param o thalweg.RunOptions
---@return integer, thalweg.Executed
function runner.execute(o)
  local experiment = script.load(o.file)
  if o.quick and not experiment.quick then say(o, "%s has no quick form: it runs in full", experiment.name) end
  if o.quick then experiment = experiments.quick_form(experiment) end
  local at = place.new(o.output or default_output(experiment, o.runs))
  local plan = make_plan(experiment, o)
  if #experiment.lanes > 0 then object.check(plan.rows, experiment.lanes) end
  local executed = { experiment = experiment, path = at.path, ids = {} }
  for i, row in ipairs(plan.rows) do executed.ids[i] = row.id end
  if o.dry_run then
    local sweep = not o.fresh and place.load(at) or nil
    if sweep then check_origin(experiment, sweep, at, o) end
    local known = history_of(sweep)
    dry_run(plan, choose(plan, known, o), known, at, o)
    return 0, executed
  end
  place.acquire(at)
  local ok, result = xpcall(locked, function(err)
    return type(err) == "table" and err or debug.traceback(tostring(err), 2)
  end, at, experiment, plan, o)
  place.release(at, at.made and sys.kind(at.dir .. "/plan.jnl") == nil)
  if not ok then error(result, 0) end
  return result, executed
end

return runner
