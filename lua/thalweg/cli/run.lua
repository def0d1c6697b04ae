-- thalweg run FILE: does what is missing.
local arguments = require "thalweg.cli.arguments"

-- "lr=0.1,0.3" -> { "lr", { 0.1, 0.3 } }: numbers, true, false, else strings.
local function assignment(text)
  local name, values = text:match("^([%a_][%w_.]*)=(.+)$")
  if not name then return nil, "NAME=VALUE or NAME=VALUE,VALUE,..." end
  local out = {}
  for word in values:gmatch("[^,]+") do
    local value = tonumber(word)
    if word == "true" or word == "false" then value = word == "true" end
    if value == nil then value = word end
    out[#out + 1] = value
  end
  return { name, out }
end

local function run_id(word)
  if word:match("^%x+$") and #word <= 14 then return word:lower() end
  return nil, "run ids (14 hexadecimal digits, or as many of the first as tell them apart), with commas between"
end

local function sync(text)
  if text == "off" then return 0 end
  if text == "run" then return "run" end
  local seconds = arguments.integer(1, 86400)(text)
  if seconds then return seconds end
  return nil, "off, run or whole seconds"
end

local verb = {
  about = "runs what a script plans and its file lacks, into runs/<name>.h5",
  arguments = { { "FILE", about = "the script: it returns tw.experiment { ... }" } },
  options = {
    { "-o", "--output", value = "OUT.h5", about = "the file; default runs/<name>.h5" },
    { "-j", "--jobs", value = "N", about = "worker processes; default all processors", convert = arguments.integer(1, 1000) },
    { "--set", value = "NAME=V[,V...]", about = "gives a parameter other values; may be repeated", many = true, convert = assignment },
    { "--only", value = "EXPR", about = "keeps the configurations for which it holds: 'lr<0.1 and decay==\"cosine\"'" },
    { "--run", value = "ID[,ID...]", about = "keeps these runs", many = true, convert = arguments.list(run_id) },
    { "--lanes", value = "N", about = "at most so many runs in one pass of the script; 1: one by one", convert = arguments.integer(1, 65536) },
    { "--repeats", value = "N", about = "seeds per configuration", convert = arguments.integer(1, 1000000) },
    { "--seed", value = "S", about = "root seed; default 0", convert = arguments.integer(0, (1 << 53) - 1) },
    { "--quick", about = "runs the script's quick form, into runs/<name>.quick.h5" },
    { "--dry-run", about = "shows the runs, executes none" },
    { "--retry", about = "does runs again that failed, timed out or crashed" },
    { "--fresh", about = "moves the old file aside and starts over" },
    { "--accept-script", about = "goes on although the code of run has changed" },
    { "--keep-journal", about = "leaves the journals in OUT.h5.d when all is done" },
    { "--sync", value = "off|S|run", about = "to the disk never, every S seconds (default 5), or after each run", convert = sync },
    { "--compress", value = "0-9", about = "deflate level of the file; default 0: none", convert = arguments.integer(0, 9) },
    { "--quiet", about = "shows neither progress nor table, failures alone" },
  },
  notes = "Running the same command again continues an interrupted sweep; a script with more values or repeats extends it.\n"
    .. "Exit status: 0 every run has a result, 1 some failed or crashed, 2 usage or script error, 3 storage, 75 stopped by SIGTERM or SIGUSR1,\n"
    .. "130 interrupted.",
}

local function flatten(lists)
  if not lists or #lists == 0 then return nil end
  local out = {}
  for _, list in ipairs(lists) do table.move(list, 1, #list, #out + 1, out) end
  return out
end

---@return integer status
function verb.run(args)
  local quote = require("thalweg.runner.provenance").quote
  local command = { "thalweg run" }
  for i, word in ipairs(args.words) do command[i + 1] = quote(word) end
  local status = require("thalweg.runner").execute {
    file = args.file, output = args.output, workers = args.jobs, set = args.set, only = args.only, ids = flatten(args.run),
    repeats = args.repeats, lanes = args.lanes,
    seed = args.seed, quick = args.quick, dry_run = args.dry_run, retry = args.retry, fresh = args.fresh, accept_script = args.accept_script,
    keep_journal = args.keep_journal, sync = args.sync, compress = args.compress, quiet = args.quiet, command = table.concat(command, " "),
  }
  return status
end

return verb
