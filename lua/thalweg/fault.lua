-- Errors that concern the script's author, placed at the author's line: the innermost frame outside lua/thalweg.
local core = require "thalweg.core"

local fault = {}

local library = debug.getinfo(1, "S").source:match("^(.*)fault%.lua$") or ""

local scripts = {}

-- A file that is the author's, whatever its path looks like.
---@param path string
function fault.mark(path) scripts["@" .. path] = true end

local function is_library(source)
  return library ~= "" and source:sub(1, #library) == library and not scripts[source]
end

local tails = {}

-- Calls a script's main function. Its `return tw.experiment { ... }` is a tail call, which leaves no frame to find: a fault that
-- meets no frame of the author's before this one is placed at `tail`.
---@param chunk function
---@param tail string "file:line: "
function fault.call(chunk, tail)
  tails[#tails + 1] = tail
  local results = table.pack(pcall(chunk))
  tails[#tails] = nil
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

-- "file:line: " of the innermost Lua function that is not the library's own, or "".
---@return string
function fault.position()
  local level = 2
  while true do
    local info = debug.getinfo(level, "Slf")
    if not info then return "" end
    if info.func == fault.call then return tails[#tails] end
    if info.what ~= "C" and info.currentline > 0 and not is_library(info.source) then
      return string.format("%s:%d: ", info.source:match("^[@=](.*)$") or info.short_src, info.currentline)
    end
    level = level + 1
  end
end

core.author(fault.position)

-- Raises a message, printf-like, at the author's line.
---@param format string
function fault.raise(format, ...)
  error(fault.position() .. string.format(format, ...), 0)
end

local usage = { __name = "thalweg.fault", __tostring = function(e) return e.message end }

-- Raises { message, status = 2 }: the command prints it without a traceback.
---@param message string complete, with file:line where there is one
function fault.usage(message)
  error(setmetatable({ message = message, status = 2 }, usage), 0)
end

-- Is this function the library's own?
---@param f function
---@return boolean
function fault.is_library(f)
  local info = debug.getinfo(f, "S")
  return info.what ~= "C" and is_library(info.source)
end

return fault
