-- thalweg ls FILE.h5: one line per run.
local arguments = require "thalweg.cli.arguments"
local labels = require "thalweg.runner.labels"
local names = require "thalweg.names"
local only = require "thalweg.only"
local source = require "thalweg.cli.source"
local standings = require "thalweg.runner.standings"

local statuses = { "pending", "running", "done", "stopped", "diverged", "failed", "timeout", "interrupted", "crashed" }

local verb = {
  about = "lists a sweep's runs with their status",
  arguments = { { "FILE.h5", about = "a sweep's file; while it is being written its journals are read too" } },
  options = {
    { "--status", value = "S[,S...]", about = "keeps runs of these statuses: " .. table.concat(statuses, " "),
      convert = arguments.list(arguments.one_of(statuses)) },
    { "--only", value = "EXPR", about = "keeps the runs for which it holds: 'lr<0.1'" },
    { "-n", "--count", value = "N", about = "shows the first N of them", convert = arguments.integer(1) },
  },
}

-- Whether a run is wanted, from its row.
local function filter(sweep, args)
  local wanted
  if args.status then
    wanted = {}
    for _, name in ipairs(args.status) do wanted[name] = true end
  end
  local holds
  if args.only then
    local known = {}
    for i = 1, #sweep do
      for name in next, sweep:row(i).values do known[name] = true end
    end
    holds = only.compile(args.only, names.of(known))
  end
  return function(row) return (not wanted or wanted[row.status]) and (not holds or holds(row.values)) end
end

---@return integer status
function verb.run(args)
  local sweep = source.open(args["file.h5"])
  local keep = filter(sweep, args)
  local metric = sweep:meta("objective_metric") or "loss"
  local final = standings.ranks(sweep, metric) and sweep:final(metric) or {}
  local list, texts = {}, {}
  for i = 1, #sweep do
    list[i] = sweep:row(i)
    texts[i] = list[i].text
  end
  local short = labels.shortener(texts)
  local rows, count, kept = {}, {}, 0
  for i, row in ipairs(list) do
    if keep(row) then
      kept = kept + 1
      count[row.status] = (count[row.status] or 0) + 1
      if not args.count or #rows < args.count then
        rows[#rows + 1] = { row.hex, row.status, row.rep, row.n_steps, final[i], row.wall_time, short(row.text), row.message ~= "" and row.message or nil }
      end
    end
  end
  if kept > 0 then
    for _, line in ipairs(standings.layout({ "run", "status", "repeat", "steps", metric, "seconds", "parameters", "message" }, rows)) do print(line) end
  end
  local parts = {}
  for _, status in ipairs(statuses) do
    if count[status] then parts[#parts + 1] = count[status] .. " " .. status end
  end
  print(("%d of %d runs%s"):format(kept, #sweep, #parts > 0 and ": " .. table.concat(parts, ", ") or ""))
  return 0
end

return verb
