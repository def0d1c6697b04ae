-- thalweg best FILE.h5: the table that ends a sweep.
local arguments = require "thalweg.cli.arguments"
local names = require "thalweg.names"
local source = require "thalweg.cli.source"
local standings = require "thalweg.runner.standings"

local verb = {
  about = "ranks a sweep's configurations by the median of the objective over their seeds",
  arguments = { { "FILE.h5", about = "a sweep's file; while it is being written its journals are read too" } },
  options = {
    { "-n", "--count", value = "N", about = "configurations shown; default 10", convert = arguments.integer(1) },
    { "--metric", value = "NAME", about = "a metric, or a result, other than the script's objective" },
    { "--goal", value = "min|max", about = "which end of it is good", convert = arguments.one_of { "min", "max" } },
    { "--at", value = "final|min|max", about = "its last, smallest or largest value in a run", convert = arguments.one_of { "final", "min", "max" } },
  },
}

---@return integer status
function verb.run(args)
  local sweep = source.open(args["file.h5"])
  local metric = args.metric or sweep:meta("objective_metric") or "loss"
  local known = standings.known(sweep)
  if args.metric and not known[metric] then
    error({ message = ("unknown metric: %s; %s"):format(metric, names.hint(metric, names.of(known))), status = 2 }, 0)
  end
  local goal, at = args.goal or sweep:meta("objective_goal") or "min", args.at or sweep:meta("objective_at") or "final"
  for _, line in ipairs(standings.lines(sweep, { metric = metric, goal = goal, at = at, n = args.count or 10 })) do print(line) end
  return 0
end

return verb
