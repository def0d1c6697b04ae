-- thalweg show FILE.h5 [RUN]: what a sweep holds, or one run of it.
local canonical = require "thalweg.canonical"
local source = require "thalweg.cli.source"
local standings = require "thalweg.runner.standings"
local sweeps = require "thalweg.sweep"

local verb = {
  about = "shows what a sweep holds, or one run: parameters, metrics, message, log",
  arguments = {
    { "FILE.h5", about = "a sweep's file; while it is being written its journals are read too" },
    { "RUN", about = "a run's id, or as many of its first digits as tell it apart", optional = true },
  },
  options = {},
}

local function number(v)
  if v ~= v then return "-" end
  return math.type(v) == "integer" and tostring(v) or ("%.6g"):format(v)
end

local function shape(v) return #v.shape > 0 and "[" .. table.concat(v.shape, " ") .. "]" or "" end

local function table_of(header, rows)
  for _, line in ipairs(standings.layout(header, rows)) do print("  " .. line) end
end

local function show_sweep(record, sweep)
  print(sweep.name .. (sweep.about ~= "" and ": " .. sweep.about or ""))
  print(("%s  thalweg %s  root seed %s"):format(record:meta("script_path") or "", record:meta("version") or "?", record:meta("root_seed") or "?"))
  local count, order = {}, {}
  for run in sweep:runs() do
    if not count[run.status] then order[#order + 1] = run.status end
    count[run.status] = (count[run.status] or 0) + 1
  end
  for i, status in ipairs(order) do order[i] = count[status] .. " " .. status end
  print(("runs        %d: %s"):format(#sweep, table.concat(order, ", ")))
  local parameters = {}
  for _, name in ipairs(sweep.parameters) do
    if not name:find(".", 1, true) then parameters[#parameters + 1] = name end
  end
  print("parameters  " .. (#parameters > 0 and table.concat(parameters, ", ") or "none"))
  local metrics = {}
  for i, v in ipairs(record:metrics()) do metrics[i] = v.variable .. shape(v) end
  print("metrics     " .. (#metrics > 0 and table.concat(metrics, ", ") or "none"))
  if #sweep.results > 0 then print("results     " .. table.concat(sweep.results, ", ")) end
end

local function show_run(record, run)
  print(("run %s  %s%s"):format(run.id, run.status, run.message ~= "" and ": " .. run.message or ""))
  print(("repeat %d  seed %d  %d steps  %s s"):format(run.rep, run.seed, run.n_steps, number(run.wall_time)))
  local rows = {}
  for _, name in ipairs(require("thalweg.names").of(run.params)) do
    local v = run.params[name]
    rows[#rows + 1] = { name, type(v) == "string" and v or canonical.text(v) }
  end
  if #rows > 0 then print("parameters") end
  if #rows > 0 then table_of({ "name", "value" }, rows) end
  rows = {}
  for _, v in ipairs(record:metrics()) do
    local values, steps = run:trace(v.variable)
    if #values > 0 and #v.shape == 0 then
      rows[#rows + 1] = { v.variable, #values, number(values[1]), number(run:final(v.variable)), number(run:min(v.variable)), number(run:max(v.variable)),
        steps[#steps] }
    elseif #values > 0 then
      rows[#rows + 1] = { v.variable .. shape(v), #values, "", "", "", "", steps[#steps] }
    end
  end
  if #rows > 0 then print("metrics") end
  if #rows > 0 then table_of({ "name", "rows", "first", "final", "min", "max", "last step" }, rows) end
  rows = {}
  for _, name in ipairs(record:results()) do
    local v = run:result(name)
    if v == v then rows[#rows + 1] = { name, canonical.number(v) } end
  end
  if #rows > 0 then print("results") end
  if #rows > 0 then table_of({ "name", "value" }, rows) end
end

---@return integer status
function verb.run(args)
  local record = source.open(args["file.h5"])
  local sweep = sweeps.of(record)
  if not args.run then
    show_sweep(record, sweep)
    return 0
  end
  local found
  for run in sweep:runs() do
    if run.id:sub(1, #args.run) == args.run:lower() then
      if found then error({ message = ("several runs have this id: id is %s; give more of its digits"):format(args.run), status = 2 }, 0) end
      found = run
    end
  end
  if not found then
    error({ message = ("no run has this id: id is %s; thalweg ls %s lists them"):format(args.run, args["file.h5"]), status = 2 }, 0)
  end
  show_run(record, found)
  for i = 1, #record do
    local row = record:row(i)
    if row.hex == found.id and row.log ~= "" then
      print("log")
      io.stdout:write("  ", (row.log:gsub("\n*$", ""):gsub("\n", "\n  ")), "\n")
    end
  end
  return 0
end

return verb
