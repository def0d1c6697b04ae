-- thalweg diff A.h5 B.h5: whether two sweeps hold the same results, bit for bit. Measured columns, history, dates and provenance are not results.
local record = require "thalweg.record"
local source = require "thalweg.cli.source"

local verb = {
  about = "compares two sweeps bit for bit; exit status 1 when they differ",
  arguments = { { "A.h5", about = "a sweep's file" }, { "B.h5", about = "another" } },
  options = {},
  notes = "Compared is everything of runs that are done, stopped or diverged, except measured columns (times, attempts, workers), history, dates,\n"
    .. "provenance.",
}

---@return integer status
function verb.run(args)
  local differences, compared = record.diff(source.open(args["a.h5"]), source.open(args["b.h5"]))
  for _, line in ipairs(differences) do print(line) end
  local n = #differences
  print(n == 0 and ("no differences in %d runs"):format(compared) or ("%d %s in %d runs"):format(n, n == 1 and "difference" or "differences", compared))
  return n == 0 and 0 or 1
end

return verb
