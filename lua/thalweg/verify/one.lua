-- Verifies one experiment: runs what its file lacks, then its claims over the runs of its plan. The outcome is plain data, so that it can cross a process
-- border.
local claims = require "thalweg.claims"
local labels = require "thalweg.runner.labels"
local record = require "thalweg.record"
local runner = require "thalweg.runner"
local sweeps = require "thalweg.sweep"

local one = {}

---@class thalweg.Verified
---@field file string the script
---@field name? string the experiment's
---@field about? string
---@field status "pass"|"fail"|"none"|"error"|"interrupted" none: it makes no claims
---@field message? string why it could not be run
---@field output? string its file
---@field quick boolean its quick form was run
---@field planned? integer
---@field results? integer runs that are done, stopped or diverged
---@field failures? { id: string, status: string, message: string, parameters: string, rep: integer }[]
---@field claims? thalweg.Claimed[]
---@field exit? integer status of an interrupted runner

local has_result = { done = true, stopped = true, diverged = true }

-- Runs of the sweep without a result, and the number of those with one.
local function failures_of(sweep)
  local out, texts = {}, {}
  for run in sweep:runs() do
    texts[#texts + 1] = run.text
    if not has_result[run.status] then
      out[#out + 1] = { id = run.id, status = run.status, message = run.message, parameters = run.text, rep = run.rep }
    end
  end
  if #out > 0 then
    local short = labels.shortener(texts)
    for _, failure in ipairs(out) do failure.parameters = short(failure.parameters) end
  end
  return out, #texts - #out
end

local function verify(o, out)
  local status, executed = runner.execute {
    file = o.file, workers = o.workers, quick = o.quick, runs = o.runs, fresh = o.fresh, retry = o.retry, quiet = true, command = o.command,
  }
  local experiment = executed.experiment
  out.name, out.about, out.output, out.quick = experiment.name, experiment.about, executed.path, experiment.is_quick or false
  out.planned = #executed.ids
  if status ~= 0 and status ~= 1 then
    out.status, out.exit, out.message = "interrupted", status, "interrupted; running again goes on from there"
    return
  end
  local loaded, message = record.load(executed.path)
  if not loaded then
    out.status, out.message = "error", message
    return
  end
  local sweep = sweeps.of(loaded, { ids = executed.ids })
  out.failures, out.results = failures_of(sweep)
  out.claims = experiment.claims and claims.run(experiment.claims, sweep) or {}
  out.status = #out.failures > 0 and "fail" or experiment.claims and "pass" or "none"
  for _, claimed in ipairs(out.claims) do
    if claimed.status == "fail" then out.status = "fail" end
  end
end

-- Never raises: what goes wrong is in the outcome.
---@param o { file: string, workers: integer, quick: boolean|nil, runs: string|nil, fresh: boolean|nil, retry: boolean|nil, command: string }
---@return thalweg.Verified
function one.verify(o)
  local out = { file = o.file, quick = false }
  local ok, err = xpcall(verify, function(e)
    return type(e) == "table" and e.message and e or { message = debug.traceback(tostring(e), 2) }
  end, o, out)
  if not ok then out.status, out.message = "error", err.message end
  return out
end

return one
