-- The command: finds the verb, hands it its arguments, turns errors into one line and an exit status.
-- Exit status: 0 fine; 1 some runs failed, or files differ; 2 usage or script error; 3 storage; 75 stopped with work left; 130 interrupted.
local arguments = require "thalweg.cli.arguments"
local names = require "thalweg.names"
local sys = require "thalweg.sys"

-- In the order of the help page. A verb is a file beside this one.
local verbs = { "run", "ls", "best", "verify", "show", "plot", "diff", "lua" }

local function verb_of(name)
  for _, known in ipairs(verbs) do
    if known == name then return require("thalweg.cli." .. name) end
  end
end

local function help()
  local lines = {
    "usage: thalweg VERB ...        thalweg FILE.lua ...   is   thalweg run FILE.lua ...",
    "",
    "Runs experiments about optimisation: a Lua script says what to vary and how one run goes; every run's trajectory lands in one HDF5 file.",
    "",
  }
  for _, name in ipairs(verbs) do lines[#lines + 1] = ("  %-6s %s"):format(name, verb_of(name).about) end
  lines[#lines + 1] = ""
  lines[#lines + 1] = "  thalweg VERB --help tells a verb's options; thalweg --version the version."
  return table.concat(lines, "\n")
end

-- A script's own errors begin with file:line, where editors look for it.
local function complain(prefix, message)
  io.stdout:flush()
  io.stderr:write(message:find("^[^%s:]+:%d+: ") and "" or prefix .. ": ", message, "\n")
end

local function protect(err)
  if type(err) == "table" and err.message then return err end
  local text = tostring(err)
  return text:find("\nstack traceback:", 1, true) and text or debug.traceback(text, 2)
end

---@param argv string[] as the shell gave it
---@return integer status
return function(argv)
  local name, first = argv[1], 2
  if name == nil or name == "--help" or name == "-h" or name == "help" then
    (name and io.stdout or io.stderr):write(help(), "\n")
    return name and 0 or 2
  end
  if name == "--version" then
    print("thalweg " .. require("thalweg.core").version)
    return 0
  end
  local verb = verb_of(name)
  if not verb and (name:find("%.lua$") or sys.kind(name) == "file") then verb, name, first = verb_of("run"), "run", 1 end
  if not verb then
    complain("thalweg", ("unknown %s: %s; %s"):format(name:sub(1, 1) == "-" and "option" or "verb", name, names.hint(name, verbs)))
    return 2
  end
  local words = table.move(argv, first, #argv, 1, {})
  local ok, result = xpcall(function()
    local args = arguments.parse("thalweg " .. name, verb, words)
    if not args then return 0 end
    args.words = words
    return verb.run(args)
  end, protect)
  if ok then return result end
  if type(result) ~= "table" then error(result, 0) end
  complain(result.verb and "thalweg " .. name or "thalweg", result.message)
  return result.status or 2
end
