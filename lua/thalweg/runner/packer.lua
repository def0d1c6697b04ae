-- The packer: a child process that reads the file and the journals and writes the file anew. Snapshots while the sweep runs, and the final file.
local place = require "thalweg.runner.place"
local process = require "thalweg.run"
local record = require "thalweg.record"

local packer = {}

---@class thalweg.Packer
---@field at thalweg.Place
---@field compress integer
---@field child userdata|nil the packing process, while there is one
---@field due number when the next snapshot is due

local least_period = 10 -- seconds between snapshots

---@param at thalweg.Place
---@param compress integer
---@return thalweg.Packer
function packer.new(at, compress)
  return { at = at, compress = compress, due = process.wall() + least_period }
end

local function all_ended(sweep)
  for _, status in next, sweep:statuses() do
    if status == "pending" or status == "running" or status == "interrupted" then return false end
  end
  return true
end

-- Starts packing; at most one at a time. The file is marked complete when this is the last pack and no run of the plan is left to do.
---@param p thalweg.Packer
---@param last boolean
function packer.start(p, last)
  p.started, p.said = process.wall(), nil
  p.child = process.spawn(function()
    local ok, complete
    local sweep, message = record.load(table.unpack(place.sources(p.at.path)))
    if sweep then
      complete = last and all_ended(sweep)
      ok, message = record.pack(sweep, p.at.path, { complete = complete, compress = p.compress, layout = "rect", logs = p.at.dir })
    end
    process.send(ok and (complete and "packed complete" or "packed") or "refused " .. tostring(message):sub(1, 2000))
  end)
end

-- Looks whether packing has come to an end. Returns nothing while it goes on; then true and whether the file is complete, or false and a message.
---@param p thalweg.Packer
---@return boolean|nil, boolean|string|nil
function packer.check(p)
  while true do
    local text, closed = p.child:receive()
    if text then
      p.said = text
    elseif closed then
      local how, number, name = p.child:reap(true)
      p.child = nil
      local now = process.wall()
      p.due = now + math.max(least_period, 20 * (now - p.started))
      if p.said == "packed" or p.said == "packed complete" then return true, p.said ~= "packed" end
      if p.said then return false, (p.said:gsub("^refused ", "")) end
      return false, how == "killed" and ("pack: the packer was killed by signal %d (%s)"):format(number, name) or "pack: the packer ended with code " .. number
    else
      return nil
    end
  end
end

return packer
