-- Sweeps in Lua: what a file or a running sweep's journals hold, as views (view.lua) with statistics over their runs (statistics.lua).
local fault = require "thalweg.fault"
local options = require "thalweg.options"
local source = require "thalweg.sweep.source"
local view = require "thalweg.sweep.view"
require "thalweg.sweep.statistics"

local sweep = {}

-- A sweep over what record.load gave, or over those of its rows whose ids are listed, in that order.
---@param record userdata
---@param o? { ids?: integer[] }
---@return thalweg.Sweep
function sweep.of(record, o)
  o = o or {}
  local s, rows, place = source.new(record), {}, {}
  if o.ids then
    for i, id in ipairs(record:order()) do place[id] = i end
    for _, id in ipairs(o.ids) do rows[#rows + 1] = place[id] end
  else
    for i = 1, #record do rows[i] = i end
  end
  return view.new(s, rows, {})
end

-- Opens a sweep for reading: its file (and the journals beside it while it is being written), a journal folder, or several of them, which are merged:
-- the first finished record of a run wins. Nothing but the plan is read before it is asked for; what is opened does not change when the file does.
-- example:
-- tw.open("no/such.h5") --> error: open: there is no such file: no/such.h5
---@param path string
---@param ... string
---@return thalweg.Sweep
function sweep.open(path, ...)
  local place, record, sys = require "thalweg.runner.place", require "thalweg.record", require "thalweg.sys"
  local files = {}
  for _, one in ipairs { path or false, ... } do
    if type(one) ~= "string" then fault.raise("open: a path is needed: got %s", options.show(one)) end
    local found = sys.kind(one) == "directory" and { one } or place.sources(one)
    if #found == 0 then fault.raise("open: there is no such file: %s", one) end
    table.move(found, 1, #found, #files + 1, files)
  end
  local loaded, message = record.load(table.unpack(files))
  if not loaded then fault.raise("open: %s", message) end
  return sweep.of(loaded)
end

return sweep
