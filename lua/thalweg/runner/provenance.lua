-- What the file tells about where it comes from: the script, the command, the machine.
local core = require "thalweg.core"
local sys = require "thalweg.sys"

local provenance = {}

local function first_match(path, pattern)
  local file = io.open(path, "r")
  if not file then return nil end
  for line in file:lines() do
    local found = line:match(pattern)
    if found then
      file:close()
      return found
    end
  end
  file:close()
end

-- A word as a shell takes it.
---@param word string
---@return string
function provenance.quote(word)
  if word:match("^[%w_@%%+=:,./-]+$") then return word end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- The commit of the folder the script lies in, and whether anything there was changed since.
local function git(script)
  local folder = script:match("^(.*)/[^/]*$") or "."
  local pipe = io.popen("git -C " .. provenance.quote(folder) .. " describe --always --dirty --abbrev=40 --exclude='*' 2>/dev/null")
  local text = pipe and pipe:read("l")
  if pipe then pipe:close() end
  local commit, dirty = (text or ""):match("^(%x+)(.*)$")
  return commit, commit and (dirty == "-dirty" and "1" or "0")
end

-- The meta table of a plan frame: key -> text.
---@param experiment thalweg.Experiment
---@param o { seed: integer, command: string, uuid: string }
---@return table<string, string>
function provenance.meta(experiment, o)
  local commit, dirty = git(experiment.path)
  local meta = {
    uuid = o.uuid, name = experiment.name, title = experiment.name, about = experiment.about, script = experiment.source, script_path = experiment.path,
    code_hash = experiment.code_hash, root_seed = tostring(o.seed), version = core.version, command = o.command,
    diverge = table.concat(experiment.diverge, " "), objective_metric = experiment.objective.metric, objective_goal = experiment.objective.goal,
    objective_at = experiment.objective.at, host = sys.host(), cpu = first_match("/proc/cpuinfo", "^model name%s*:%s*(.*)$") or "unknown",
    blas_core = core.blas_core, git_commit = commit, git_dirty = dirty, history = os.date("!%Y-%m-%dT%H:%M:%SZ") .. " " .. o.command,
  }
  if experiment.is_quick then meta.quick = "1" end
  for metric, unit in next, experiment.units do meta["units." .. metric] = unit end
  return meta
end

-- The difference of two texts as diff -u shows it.
---@param old string
---@param new string
---@param old_label string
---@param new_label string
---@return string
function provenance.diff(old, new, old_label, new_label)
  local a, b = os.tmpname(), os.tmpname()
  for path, text in next, { [a] = old, [b] = new } do
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
  end
  local q = provenance.quote
  local pipe = assert(io.popen(table.concat({ "diff -u --label", q(old_label), "--label", q(new_label), a, b }, " ")))
  local text = pipe:read("a")
  pipe:close()
  os.remove(a)
  os.remove(b)
  return text
end

return provenance
