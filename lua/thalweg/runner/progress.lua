-- What a sweep shows while it runs: one live line on a terminal, now and then a plain line elsewhere. It writes to standard error.
local process = require "thalweg.run"
local sys = require "thalweg.sys"

local progress = {}
progress.__index = progress

local redraw_every = 0.2 -- seconds, on a terminal
local lines_every = 10   -- seconds, elsewhere: 10, 20, 40, ... up to 160
local notes_at_most = 10 -- messages of failed runs shown

---@param o { name: string, total: integer, done: integer, metric: string, goal: "min"|"max", quiet: boolean, best: number|nil,
---  best_text: string|nil }
function progress.new(o)
  local now = process.wall()
  return setmetatable({
    name = o.name, total = o.total, before = o.done, ended = 0, failed = 0, diverged = 0, metric = o.metric, sign = o.goal == "max" and 1 or -1,
    best = o.best, best_text = o.best_text or "", mood = nil, quiet = o.quiet, columns = not o.quiet and sys.terminal("err"), live = false,
    started = now, drawn = 0, next_line = now + lines_every, period = lines_every, notes = 0,
  }, progress)
end

local function duration(seconds)
  if seconds < 9.95 then return ("%.1f s"):format(seconds) end
  if seconds < 99.5 then return ("%.0f s"):format(seconds) end
  if seconds < 5940 then return ("%.0f min"):format(seconds / 60) end
  return ("%.1f h"):format(seconds / 3600)
end

local function rate_text(rate)
  if rate >= 1 then return ("%.3g runs/s"):format(rate) end
  return ("%.3g runs/min"):format(rate * 60)
end

-- The state in words. `running` counts the runs in flight, `part` is the sum of their known fractions.
function progress:text(running, part)
  local elapsed = process.wall() - self.started
  local out = { ("%s  %d/%d runs"):format(self.name, self.before + self.ended, self.total) }
  if self.ended > 0 and elapsed > 0 then out[#out + 1] = rate_text(self.ended / elapsed) end
  if running > 0 then out[#out + 1] = running .. " running" end
  if self.failed > 0 then out[#out + 1] = self.failed .. " failed" end
  if self.diverged > 0 then out[#out + 1] = self.diverged .. " diverged" end
  local left = self.total - self.before - self.ended - part
  if self.ended + part > 0.05 and left > 0 and not self.mood then out[#out + 1] = "ETA " .. duration(elapsed / (self.ended + part) * left) end
  if self.best then out[#out + 1] = ("best %s %.5g (%s)"):format(self.metric, self.best, self.best_text) end
  if self.mood then out[#out + 1] = self.mood end
  return table.concat(out, "  ")
end

local function write(text)
  io.stderr:write(text)
  io.stderr:flush()
end

function progress:clear()
  if self.live then write("\r\27[K") end
  self.live = false
end

-- A run has ended.
---@param status string
---@param value number the objective, NaN when unknown
---@param text string its parameters
function progress:run_ended(status, value, text)
  if status == "interrupted" then return end
  self.ended = self.ended + 1
  if status == "failed" or status == "crashed" then self.failed = self.failed + 1 end
  if status == "diverged" then self.diverged = self.diverged + 1 end
  if (status == "done" or status == "stopped") and value == value and (not self.best or self.sign * value > self.sign * self.best) then
    self.best, self.best_text = value, text
  end
end

-- A line of its own above the live one, quiet or not only when `always`.
---@param text string
---@param always? boolean
function progress:note(text, always)
  if self.quiet and not always then return end
  self:clear()
  write(text .. "\n")
end

-- The message of a failed run, quiet or not; after ten of them only the count grows.
---@param text string
function progress:complain(text)
  self.notes = self.notes + 1
  if self.notes <= notes_at_most then self:note(text, true) end
  if self.notes == notes_at_most + 1 then self:note("further failures are not shown here", true) end
end

-- Called often; draws when it is time.
---@param count fun(): integer, number
function progress:tick(count)
  if self.quiet then return end
  local now = process.wall()
  if self.columns then
    if now - self.drawn < redraw_every then return end
    self.drawn = now
    self.columns = sys.terminal("err") or self.columns
    local text = self:text(count())
    if #text >= self.columns then text = text:sub(1, self.columns - 1) end
    write("\r" .. text .. "\27[K")
    self.live = true
  elseif now >= self.next_line then
    self.period = math.min(2 * self.period, 160)
    self.next_line = now + self.period
    write(self:text(count()) .. "\n")
  end
end

-- Seconds until tick has something to do.
---@return number
function progress:wait() return self.quiet and 3600 or self.columns and redraw_every or math.max(0, self.next_line - process.wall()) end

-- The last word: the closing state as a plain line.
function progress:close()
  self:clear()
  if not self.quiet then write(self:text(0, 0) .. "  in " .. duration(process.wall() - self.started) .. "\n") end
end

return progress
