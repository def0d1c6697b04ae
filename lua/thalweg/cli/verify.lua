-- thalweg verify FILE...: runs experiments and checks what they claim.
local arguments = require "thalweg.cli.arguments"
local sys = require "thalweg.sys"

local verb = {
  about = "runs experiments and checks their claims, one line each",
  arguments = { { "FILE", about = "scripts: each returns tw.experiment { ..., claims = function(sweep, claim) ... end }", many = true } },
  options = {
    { "--quick", about = "runs the scripts' quick forms, where they have one, into runs/<name>.quick.h5" },
    { "-j", "--jobs", value = "N", about = "worker processes of all experiments together; default all processors", convert = arguments.integer(1, 1000) },
    { "--runs", value = "DIR", about = "the folder of the sweeps' files; default runs" },
    { "--json", about = "writes one JSON document instead of lines" },
    { "--retry", about = "does runs again that failed, timed out or crashed" },
    { "--fresh", about = "moves old files aside and starts over" },
  },
  notes = "What the files already hold is not run again. A claim without a measured value fails, and so does one that raises an error.\n"
    .. "In JSON, what is no finite number is a string: \"NaN\", \"Infinity\", \"-Infinity\". distance says how far the measured value (of several\n"
    .. "the worst) lies beyond the bound, below 0 inside; for ~ how far from it.\n"
    .. "Exit status: 0 every claim holds, 1 a claim, a run or an experiment failed, 2 usage, 75 stopped by SIGTERM or SIGUSR1, 130 interrupted.",
}

local function check_files(files)
  local seen = {}
  for _, file in ipairs(files) do
    if sys.kind(file) ~= "file" then error({ message = file .. ": there is no such file", status = 2 }, 0) end
    if seen[file] then error({ message = file .. ": it is given twice", status = 2 }, 0) end
    seen[file] = true
  end
end

-- One live line on a terminal.
local function live_line(total)
  local shown, drawn = false, nil
  return function(told, running)
    local width = sys.terminal("err")
    if not width then return end
    local text = told and #running > 0 and ("verify  %d/%d experiments  running %s"):format(told, total, table.concat(running, " ")) or ""
    if text == drawn then return end
    if shown or text ~= "" then io.stderr:write("\r\27[K", text:sub(1, width - 1)) end
    io.stderr:flush()
    shown, drawn = text ~= "", text
  end
end

---@return integer status
function verb.run(args)
  local report = require "thalweg.verify.report"
  check_files(args.file)
  local quote = require("thalweg.runner.provenance").quote
  local command = { "thalweg verify" }
  for i, word in ipairs(args.words) do command[i + 1] = quote(word) end
  local colour = sys.terminal("out") and not os.getenv("NO_COLOR") or false
  local layout = { colour = colour, name_width = report.name_width(args.file) }
  local show = live_line(#args.file)
  local options = { quick = args.quick, runs = args.runs, fresh = args.fresh, retry = args.retry, command = table.concat(command, " ") }
  local function tell(outcome)
    show()
    if outcome.printed then io.stderr:write(outcome.printed) end
    if args.json then return end
    for _, line in ipairs(report.lines(outcome, layout)) do print(line) end
    io.stdout:flush()
  end
  local outcomes, interrupted = require("thalweg.verify.pool").verify(args.file, args.jobs or sys.cpus(), options, tell, show)
  show()
  print(args.json and report.json(outcomes, { version = require("thalweg.core").version, quick = args.quick or false }) or report.summary(outcomes))
  if interrupted then return interrupted end
  return report.count(outcomes).failed > 0 and 1 or 0
end

return verb
