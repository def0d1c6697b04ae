-- Opens a sweep for the verbs that read one: the file, and the journals beside it when it is still being written.
local place = require "thalweg.runner.place"
local record = require "thalweg.record"
local sys = require "thalweg.sys"

local source = {}

-- Raises { message, status = 2 } when there is nothing there or it cannot be read.
---@param path string X.h5, or a journal folder
function source.open(path)
  local files = sys.kind(path) == "directory" and { path } or place.sources(path)
  if #files == 0 then error({ message = path .. ": there is no such file", status = 2 }, 0) end
  local sweep, message = record.load(table.unpack(files))
  if not sweep then error({ message = message, status = 2 }, 0) end
  return sweep
end

return source
