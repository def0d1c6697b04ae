-- The `run` a script's run function receives: its parameters, its randomness, its log. One fresh object per run; it knows the logbook it writes to
-- and nothing of the sweep.
local core = require "thalweg.core"
local fault = require "thalweg.fault"
local names = require "thalweg.names"
local plan = require "thalweg.plan"
local process = require "thalweg.run"

---@class thalweg.Run
---@field params table the parameters of this run, a copy of its own
---@field seed integer depends on the root seed and the repeat alone
---@field id string 14 hex digits
local Run = setmetatable({}, {
  __index = function(methods, name)
    local valid = names.of(methods)
    table.move({ "id", "params", "seed" }, 1, 3, #valid + 1, valid)
    fault.raise("run: no field of this name: name is %s; %s", tostring(name), names.hint(name, valid))
  end,
})

local class = { __name = "thalweg.run", __index = Run }

-- What the object keeps for itself stands apart, so that a script sees only what is documented.
local inner = setmetatable({}, { __mode = "k" })

-- Ends the run: nothing below the runner may catch what this raises, and whoever swallows it ends anyway at the next call.
local function leave(self, status, message)
  local own = inner[self]
  own.ended = own.ended or { tw_stop = status, message = message }
  error(own.ended, 0)
end

local function own_of(self, method)
  local own = inner[self]
  if not own then fault.raise("run.%s: called without its run; write run:%s(...)", method, method) end
  if own.closed then fault.raise("run:%s: this run is over: run is %s; a run object belongs to one call of the run function", method, self.id) end
  if own.ended then error(own.ended, 0) end
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
  if row == nil then step, bad = own.book:log(stream) else step, bad = own.book:log(stream, row) end
  if bad then leave(self, "diverged", ("%s is not finite at step %d"):format(bad, step)) end
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

-- Ends this run with status stopped when the condition holds.
-- example:
-- run:stop_if(tw.tensor(0.5):lt(1e-3), "small gradient")
-- run:stop_if(tw.tensor(1e-4):lt(1e-3), "small gradient") --> run ends: stopped, small gradient
---@param condition boolean|thalweg.Tensor true or false, or a 0-d tensor
---@param reason? string
function Run:stop_if(condition, reason)
  own_of(self, "stop_if")
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
function Run:result(values) own_of(self, "result").book:result(values) end

local object = {}

-- A new run object for a row of the plan.
---@return thalweg.Run
function object.new(row, book)
  local self = setmetatable({ params = plan.copy(row.params), seed = row.seed, id = row.hex }, class)
  inner[self] = { book = book, rngs = {} }
  return self
end

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
