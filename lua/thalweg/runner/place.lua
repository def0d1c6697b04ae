-- Where a sweep lives: OUT.h5, the journals in OUT.h5.d beside it while it runs, the lock, and what earlier invocations left there.
local process = require "thalweg.run"
local record = require "thalweg.record"
local sys = require "thalweg.sys"

local place = {}

---@class thalweg.Place
---@field path string OUT.h5
---@field dir string OUT.h5.d
---@field shed string OUT.h5.d.old: a journal folder on its way out
---@field lock userdata|nil
---@field made boolean there was no journal before this invocation

local function fail(status, format, ...) error({ message = string.format(format, ...), status = status }, 0) end

-- The place of a sweep.
---@param path string
---@return thalweg.Place
function place.new(path)
  return { path = path, dir = path .. ".d", shed = path .. ".d.old", made = false }
end

-- Takes the lock, after making sure that both the file and the journals can be written there.
-- Raises { message, status }: 3 where the system refuses, 2 where somebody else is writing.
---@param at thalweg.Place
function place.acquire(at)
  local parent = at.path:match("^(.*)/[^/]*$") or "."
  if parent == "" then parent = "/" end
  if sys.kind(at.path) == "directory" then fail(2, "output: it is a directory: %s; name a file", at.path) end
  local ok, message = sys.make_directories(parent)
  if ok then ok, message = sys.writable(parent) end
  if not ok then fail(3, "output: it cannot be written: %s; choose another place with -o", message) end
  at.made = sys.kind(at.dir .. "/plan.jnl") == nil
  ok, message = sys.make_directories(at.dir)
  if ok then ok, message = sys.writable(at.dir) end
  if not ok then fail(3, "output: it cannot be written: %s; choose another place with -o", message) end
  local deadline = process.wall() + 2
  repeat
    at.lock, message = record.lock(at.dir)
    local holder = message and message:match("process (%d+)")
    -- Children of a killed invocation may hold the lock for a moment longer than it lived.
    local dying = holder and not sys.kind("/proc/" .. holder)
    if dying then process.poll({}, 0.02) end
  until at.lock or not dying or process.wall() > deadline
  if not at.lock then fail(2, "output: %s", message) end
  if sys.kind(at.shed) == "directory" then sys.remove_directory(at.shed) end
end

-- Gives the lock back. A journal folder that holds nothing of value goes: moved aside first, so that it is there whole or not at all.
---@param at thalweg.Place
---@param finished boolean everything in the folder stands in the file
function place.release(at, finished)
  if not at.lock then return end
  if finished and os.rename(at.dir, at.shed) then sys.remove_directory(at.shed) end
  at.lock:release()
  at.lock = nil
end

-- Files to read the sweep from: what there is of file and journals.
---@param path string
---@return string[]
function place.sources(path)
  local out = {}
  if sys.kind(path) == "file" then out[1] = path end
  if sys.kind(path .. ".d/plan.jnl") == "file" then out[#out + 1] = path .. ".d" end
  return out
end

-- The sweep so far, or nil when there is none. Raises { message, status = 2 } when what stands there cannot be read.
---@param at thalweg.Place
function place.load(at)
  local sources = place.sources(at.path)
  if #sources == 0 then return nil end
  local sweep, message = record.load(table.unpack(sources))
  if not sweep then fail(2, "%s; choose another output with -o, or --fresh to move this one aside", message) end
  return sweep
end

-- --fresh: moves the file and its journals aside, under the lock, and takes the lock of the new folder. Returns the new name, or nil when there was nothing.
---@param at thalweg.Place
---@return string|nil
function place.move_aside(at)
  local kept = sys.kind(at.path .. ".d/plan.jnl") == "file"
  if sys.kind(at.path) ~= "file" and not kept then return nil end
  local stem, extension = at.path:match("^(.*)(%.[^./]*)$")
  if not stem then stem, extension = at.path, "" end
  local date, n = os.date("!%Y-%m-%dT%H%M%SZ"), 0
  local aside
  repeat
    aside = stem .. "." .. date .. (n > 0 and "-" .. n or "") .. extension
    n = n + 1
  until not sys.kind(aside) and not sys.kind(aside .. ".d")
  if sys.kind(at.path) == "file" then
    local ok, message = os.rename(at.path, aside)
    if not ok then fail(3, "output: it cannot be moved aside: %s", message) end
  end
  if kept then
    local ok, message = os.rename(at.dir, aside .. ".d")
    if not ok then fail(3, "output: it cannot be moved aside: %s", message) end
    at.lock:release()
    place.acquire(at)
  end
  return aside
end

-- Output of workers that an earlier, killed invocation never named.
---@param at thalweg.Place
function place.sweep_out(at)
  for _, name in ipairs(sys.list(at.dir) or {}) do
    if name:match("^w%d+%.out$") then os.remove(at.dir .. "/" .. name) end
  end
end

return place
