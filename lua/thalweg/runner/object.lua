-- The `run` a script's run function receives: its parameters, its randomness, its log. One fresh object per run; it knows the logbook it writes to
-- and nothing of the sweep.
local core = require "thalweg.core"
local fault = require "thalweg.fault"
local groups = require "thalweg.runner.groups"
local names = require "thalweg.names"
local override = require "thalweg.override"
local plan = require "thalweg.plan"
local process = require "thalweg.run"

---@class thalweg.Run
---@field params table the parameters of this run, a copy of its own
---@field seed integer depends on the root seed and the repeat alone
---@field id string 14 hex digits
local Run = setmetatable({}, {
  __index = function(methods, name)
    if name == "id" then fault.raise("run.id: it differs between the runs computed together (lanes)") end
    local valid = names.of(methods)
    table.move({ "id", "params", "seed" }, 1, 3, #valid + 1, valid)
    fault.raise("run: no field of this name: name is %s; %s", tostring(name), names.hint(name, valid))
  end,
})

local class = { __name = "thalweg.run", __index = Run }

-- What the object keeps for itself stands apart, so that a script sees only what is documented.
local inner = setmetatable({}, { __mode = "k" })

-- Ends every run that is still going: nothing below the runner may catch what this raises, and whoever swallows it ends anyway at the next call.
local function leave(self, status, message)
  local own = inner[self]
  own.ended = own.ended or { tw_stop = status, message = message }
  error(own.ended, 0)
end

-- One of the runs computed together ends; the others go on. The last one ends the pass.
local function leave_lane(self, lane, status, message)
  local own = inner[self]
  if own.left == 1 then leave(self, status, message) end
  own.left = own.left - 1
  own.over[lane] = true
  own.on_end(lane, status, message)
end

-- Once most lanes have ended they are dropped: what is computed shrinks to the others.
local function drop_lanes(own)
  if #own.place < 2 * own.left or own.left == #own.place then return end
  local kept, lanes = {}, {}
  for place, lane in ipairs(own.place) do
    if not own.over[lane] then
      kept[#kept + 1] = place
      lanes[#lanes + 1] = lane
    end
  end
  if not pcall(core.lanes_compact, kept) then return end -- a function is being differentiated: at another row
  own.book:keep(kept)
  own.place = lanes
end

local function own_of(self, method)
  local own = inner[self]
  if not own then fault.raise("run.%s: called without its run; write run:%s(...)", method, method) end
  if own.closed then fault.raise("run:%s: this run is over; a run object belongs to one call of the run function", method) end
  if own.ended then error(own.ended, 0) end
  local failure = core.lanes_failure() -- swallowed, by a coroutine say
  if failure and own.width > 1 then error(failure, 0) end
  if process.stopping() then leave(self, "interrupted", "") end
  return own
end

-- log([stream,] row) -> step
-- Logs one row: metrics by name, numbers or tensors. Rows of the default stream are steps 0, 1, ... unless the row has an integer `step`; another
-- stream's rows carry the latest default step, or their own, and its metrics are stored as stream_metric. A metric may appear at any row, its shape
-- is fixed by its first. A non-finite value of one of the experiment's `diverge` metrics is kept and ends the run as diverged.
-- example:
-- run:log{ loss = 0.5, x = tw.tensor{ 1, 2 } } --> 0
-- run:log{ loss = tw.tensor(0.25), x = tw.tensor{ 0, 1 } } --> 1
-- run:log("eval", { accuracy = 0.75 }) --> 1
-- run:log{ loss = 0/0 } --> run ends: diverged, loss is not finite at step 2
---@param stream string|table the row, or the name of another stream
---@param row? table metric -> number or tensor; `step` may hold an integer
---@return integer step
function Run:log(stream, row)
  local own = own_of(self, "log")
  local step, bad
  if own.tap and not own.over[1] then own.tap(stream, row) end
  if row == nil then step, bad = own.book:log(stream) else step, bad = own.book:log(stream, row) end
  if bad then
    for lane = 1, own.width do
      if bad[lane] then leave_lane(self, lane, "diverged", ("%s is not finite at step %d"):format(bad[lane], step)) end
    end
  end
  drop_lanes(own)
  return step
end

-- A generator of this run's own, by name: the same draws whatever the other generators drew, and the same one when asked again. Its key depends on
-- run.seed, so that all configurations of one repeat see the same numbers.
-- example:
-- run:rng("init") --> generator(seed 1, stream "init", 0 drawn)
---@param name string
---@return thalweg.Generator
function Run:rng(name)
  local own = own_of(self, "rng")
  if type(name) ~= "string" then fault.raise('run:rng: a generator has a name: name is %s; write run:rng("init")', tostring(name)) end
  local rng = own.rngs[name]
  if not rng then
    rng = core.rng(self.seed, name)
    own.rngs[name] = rng
  end
  return rng
end

-- Tells how far the run is; shown while it runs, not stored.
-- example:
-- run:progress(30, 100)
---@param done number
---@param total number
function Run:progress(done, total)
  own_of(self, "progress")
  process.progress(done, total)
end

-- Ends this run at once with status stopped, which is a result. A pcall of the script's does not stop it.
-- example:
-- run:stop("converged") --> run ends: stopped, converged
---@param reason? string
function Run:stop(reason)
  own_of(self, "stop")
  leave(self, "stopped", reason and tostring(reason) or "")
end

-- Ends this run with status stopped when the condition holds. The stop rule that works in lanes: where the condition differs between runs computed
-- together, those for which it holds end and the others go on.
-- example:
-- run:stop_if(tw.tensor(0.5):lt(1e-3), "small gradient")
-- run:stop_if(tw.tensor(1e-4):lt(1e-3), "small gradient") --> run ends: stopped, small gradient
---@param condition boolean|thalweg.Tensor true or false, or a 0-d tensor
---@param reason? string
function Run:stop_if(condition, reason)
  local own = own_of(self, "stop_if")
  if core.is_laned(condition) then
    if condition.ndim ~= 0 then fault.raise("run:stop_if: the condition must be true, false or a 0-d tensor: it has %d axes", condition.ndim) end
    local values, place = core.lane_numbers(condition), own.place
    for i, v in ipairs(values) do
      if not own.over[place[i]] and v ~= false and v ~= 0 then leave_lane(self, place[i], "stopped", reason and tostring(reason) or "") end
    end
    return
  end
  if type(condition) == "userdata" then condition = condition:item() end
  if type(condition) == "number" then condition = condition ~= 0 end
  if type(condition) ~= "boolean" then fault.raise("run:stop_if: the condition must be true, false or a 0-d tensor: it is a %s", type(condition)) end
  if condition then leave(self, "stopped", reason and tostring(reason) or "") end
end

-- Whether the run has ended: true after a stop that the script's own pcall has swallowed.
-- example:
-- run:finished() --> false
---@return boolean
function Run:finished()
  local own = inner[self]
  return own.ended ~= nil or own.closed or process.stopping()
end

-- Results of the whole run, one number per name; they become columns of the file.
-- example:
-- run:result{ test_accuracy = 0.9 }
---@param values table<string, number>
function Run:result(values)
  local own = own_of(self, "result")
  if own.tap and not own.over[1] then own.tap("result", values) end
  own.book:result(values)
end

local object = {}

-- A parameter's values in the runs computed together, one number per lane.
local function laned(rows, name)
  return function()
    local values = {}
    for lane, row in ipairs(rows) do values[lane] = groups.value(row.params, name) end
    return core.laned(values, name, "f64")
  end
end

local function laned_seed(rows)
  local seeds = {}
  for lane, row in ipairs(rows) do seeds[lane] = row.seed end
  return core.laned(seeds, "seed", "i64")
end

-- A new run object for a row of the plan, or for several computed together: `lanes` names the parameters in which they may differ, and core's lanes are
-- open then. on_end(lane, status, message) hears of a run that ends before the others.
---@param rows table[]
---@param book userdata
---@param lanes? string[]
---@param on_end? fun(lane: integer, status: string, message: string)
---@return thalweg.Run
function object.new(rows, book, lanes, on_end)
  local params, seed, id = plan.copy(rows[1].params), rows[1].seed, rows[1].hex
  for _, name in ipairs(lanes or {}) do
    id = nil
    if name == "seed" then
      seed = laned_seed(rows)
    else
      local ok, with = pcall(override.map, params, name, laned(rows, name))
      if not ok then
        fault.usage(('lanes: the parameter "%s" must be one number for all runs computed together: %s; take "%s" off the list of lanes'):format(name,
          tostring(with), name))
      end
      params = with or params
    end
  end
  local self = setmetatable({ params = params, seed = seed, id = id }, class)
  local place = {}
  for lane = 1, #rows do place[lane] = lane end
  inner[self] = { book = book, rngs = {}, width = #rows, left = #rows, over = {}, place = place, on_end = on_end }
  return self
end

local most_tried = 5000

-- Raises { message, status = 2 } where a run object cannot be made of these rows because a lane is not a plain number: the first few thousand configurations
-- are tried.
---@param rows table[] a plan's
---@param lanes string[]
function object.check(rows, lanes)
  local tried = {}
  for _, row in ipairs(rows) do
    if not tried[row.text] and #tried < most_tried then
      tried[row.text], tried[#tried + 1] = true, row.text
      core.lanes_begin(1)
      local ok, message = pcall(object.new, { row }, nil, lanes)
      core.lanes_end()
      if not ok then error(message, 0) end
    end
  end
end

-- Calls f(stream, row) before every row and every result of the first run is recorded.
---@param self thalweg.Run
---@param f function
function object.tap(self, f) inner[self].tap = f end

-- Which runs have ended so far.
---@param self thalweg.Run
---@return table<integer, boolean>
function object.over(self) return inner[self].over end

-- Closes the object after its run function has returned or raised. Returns status, message and, when the script failed, what to put into the log.
---@param self thalweg.Run
---@param ok boolean
---@param err any what the error handler made of the error
---@return string status, string message, string|nil trace
function object.close(self, ok, err)
  local own = inner[self]
  own.closed = true
  if own.ended then return own.ended.tw_stop, own.ended.message end
  if ok then return "done", "" end
  if type(err) == "table" and err.tw_stop then return err.tw_stop, err.message or "" end
  return "failed", err.message, err.trace
end

-- The message handler of a run: stops pass, errors become { message, trace }.
function object.on_error(err)
  if type(err) == "table" and err.tw_stop then return err end
  local message = tostring(err)
  return { message = message, trace = debug.traceback(message, 2) }
end

return object
