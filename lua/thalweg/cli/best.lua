-- thalweg best FILE.h5: the table that ends a sweep.
local arguments = require "thalweg.cli.arguments"
local names = require "thalweg.names"
local only = require "thalweg.only"
local source = require "thalweg.cli.source"
local standings = require "thalweg.runner.standings"

local verb = {
  about = "ranks a sweep's configurations by the median of the objective over their seeds",
  arguments = { { "FILE.h5", about = "a sweep's file; while it is being written its journals are read too" } },
  options = {
    { "-n", "--count", value = "N", about = "configurations shown; default 10", convert = arguments.integer(1) },
    { "--metric", value = "NAME", about = "a metric, or a result, other than the script's objective" },
    { "--goal", value = "min|max", about = "which end of it is good", convert = arguments.one_of { "min", "max" } },
    { "--where", value = "EXPR", about = "ranks the runs for which it holds: 'opt==\"adam\" and repeat<4'" },
    { "--by", value = "NAME", about = "the best configuration for each value of this parameter" },
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
  local parameters = {}
  for i = 1, #sweep do
    for name in next, sweep:row(i).values do parameters[name] = true end
  end
  local by = args.by and args.by:gsub("%.", "_")
  if by and not parameters[by] then
    error({ message = ("--by: unknown parameter: %s; %s"):format(args.by, names.hint(args.by, names.of(parameters))), status = 2 }, 0)
  end
  parameters["repeat"], parameters.status = true, true
  local holds = args.where and only.compile(args.where, names.of(parameters), { what = "--where" })
  local goal, at = args.goal or sweep:meta("objective_goal") or "min", args.at or sweep:meta("objective_at") or "final"
  for _, line in ipairs(standings.lines(sweep, { metric = metric, goal = goal, at = at, n = args.count or 10, by = by, holds = holds })) do
    print(line)
  end
  return 0
end

return verb
