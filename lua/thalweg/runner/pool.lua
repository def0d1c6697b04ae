-- The coordinator's loop: hands runs to worker processes, hears how they ended, replaces workers that died, wakes the packer, minds the signals.
-- It knows runs only as numbers of rows, and units of them that are handed out together; what their ends mean is told through the hooks of the job.
local process = require "thalweg.run"
local packer = require "thalweg.runner.packer"

local pool = {}

local ahead = 0.02         -- seconds of work a worker has in its queue
local longest_queue = 200  -- runs
local patience = 0.05      -- seconds a run may hold up those queued behind it while another worker is idle
local blank_deaths = 3     -- workers that may die in a row without having begun a run

---@class thalweg.Job
---@field units integer[][] rows to execute, in order, as they are handed out
---@field workers integer how many at once
---@field launch fun(index: integer): userdata starts the worker with this number
---@field ended fun(row: integer, status: string, value: number, message: string)
---@field crashed fun(row: integer, index: integer, again: integer, message: string) the worker died in this run, given out so many times before
---@field stillborn fun(index: integer): string what a worker that died without a run had to say
---@field progress table thalweg.runner.progress
---@field packer thalweg.Packer

-- Does a unit hold this row? Have all of its rows ended?
local function has(unit, row)
  for _, each in ipairs(unit) do
    if each == row then return true end
  end
  return false
end

local function complete(unit, heard)
  for _, each in ipairs(unit) do
    if not heard[each] then return false end
  end
  return true
end

local Pool = {}
Pool.__index = Pool

-- Workers: { child, index, queue = rows handed out and not yet reported, batch, pace = seconds per run, held = the long run it is in,
-- leaving = told that nothing is left }

function Pool:spawn()
  local index = 1
  while self.taken[index] do index = index + 1 end
  local ok, child = pcall(self.job.launch, index)
  if ok then
    self.taken[index] = true
    self.workers[#self.workers + 1] = { child = child, index = index, queue = {}, batch = 0, heard = {} }
  elseif #self.workers > 0 then
    self.job.workers = #self.workers
    self.job.progress:note(("going on with %d workers: %s"):format(#self.workers, child))
  else
    self.trouble = child
    self:stop(1)
  end
end

-- The next `n` rows nobody has been told to do.
function Pool:take(n)
  local out = {}
  while #out < n do
    local row = table.remove(self.again)
    if not row then
      row = self.job.units[self.next]
      if not row then break end
      self.next = self.next + 1
    end
    out[#out + 1] = row
  end
  return out
end

function Pool:left() return #self.again + #self.job.units - self.next + 1 end

-- Fills a worker's queue: one run in flight and enough behind it that it never waits.
function Pool:feed(w)
  if self.level > 0 or w.leaving then return end
  if w.held and w.held == w.child:slot() then return end
  local depth = math.min(longest_queue, 2 + (w.pace and ahead // math.max(w.pace, 1e-6) or 0))
  if #w.queue > depth // 2 then return end
  local share = math.max(1, self:left() // #self.workers)
  local rows = self:take(math.min(depth - #w.queue, share))
  if #rows == 0 then return end
  w.batch = w.batch + 1
  local tokens = {}
  for i, unit in ipairs(rows) do tokens[i] = table.concat(unit, ",") .. (unit.again and "@" .. unit.again or "") end
  if not w.child:send(w.batch .. " " .. table.concat(tokens, " ")) then
    for i = #rows, 1, -1 do self.again[#self.again + 1] = rows[i] end -- it has died: its end is about to be heard
    return
  end
  table.move(rows, 1, #rows, #w.queue + 1, w.queue)
end

-- When a worker has nothing to do, what waits behind another's run is given out again. A run begun in that very moment is done twice, which gives
-- the same result.
function Pool:rebalance()
  if self:left() > 0 or self.level > 0 then return end
  local idle = #self.workers < self.job.workers
  for _, w in ipairs(self.workers) do idle = idle or #w.queue == 0 end
  if not idle then return end
  local now = process.wall()
  for _, w in ipairs(self.workers) do
    local at = w.child:slot()
    if at ~= w.seen then
      w.seen, w.since = at, now
    elseif at ~= 0 and #w.queue > 0 and not has(w.queue[#w.queue], at) and now - w.since > patience then
      w.held = at
      w.child:revoke(w.batch)
      while #w.queue > 0 and not has(w.queue[#w.queue], at) do self.again[#self.again + 1] = table.remove(w.queue) end
    end
  end
end

function Pool:hear(w, text)
  local trouble = text:match("^storage\t(.*)$")
  if trouble then
    self.trouble = self.trouble or trouble
    w.gave_up = true
    self:stop(1)
    return
  end
  for note in text:gmatch("note\t([^\n]*)") do self.job.progress:note(note) end
  for row, status, value, wall, message in text:gmatch("(%d+)\t(%a+)\t(%S+)\t(%S+)\t([^\n]*)") do
    self:end_of_run(w, tonumber(row), status, tonumber(value) or 0 / 0, tonumber(wall), message)
  end
end

function Pool:end_of_run(w, row, status, value, wall, message)
  for i, unit in ipairs(w.queue) do
    if has(unit, row) then
      w.heard[row] = true
      w.spent = (w.spent or 0) + wall
      if complete(unit, w.heard) then
        for _, each in ipairs(unit) do w.heard[each] = nil end
        table.remove(w.queue, i)
        w.pace = w.pace and 0.8 * w.pace + 0.2 * w.spent or w.spent
        w.spent = 0
      end
      break
    end
  end
  self.blank = 0
  if self.over[row] then return end
  self.over[row] = true
  self.job.ended(row, status, value, message)
end

function Pool:bury(w)
  local at = w.child:slot()
  local how, number, name = w.child:reap(true)
  for i, other in ipairs(self.workers) do
    if other == w then table.remove(self.workers, i) end
  end
  self.taken[w.index] = nil
  local crashed, again, died_together
  for i = #w.queue, 1, -1 do
    local unit = w.queue[i]
    if not has(unit, at) or w.gave_up then
      self.again[#self.again + 1] = unit
    elseif #unit == 1 then
      crashed, again = at, unit.again or 0
    else -- computed together: which of them it was shows when each is done alone
      for k = #unit, 1, -1 do
        if not self.over[unit[k]] then self.again[#self.again + 1] = { unit[k], again = (unit.again or 0) + 1 } end
      end
      died_together = true
    end
  end
  if self.level == 2 then return end
  if crashed and not self.over[crashed] then
    self.over[crashed], self.blank = true, 0
    local format = how == "killed" and "killed by signal %d (%s)" or "the process left with exit code %d inside the run"
    self.job.crashed(crashed, w.index, again, format:format(number, name))
  elseif (how == "killed" or number ~= 0) and not w.gave_up and not died_together then
    self.blank = self.blank + 1
    local said = self.job.stillborn(w.index)
    if self.blank >= blank_deaths and not self.trouble then
      self.trouble = ("workers end before their first run: the last was %s %d%s"):format(how, number, said == "" and "" or ": " .. said)
      self:stop(1)
    end
  end
end

-- Level 1: workers finish their row, close their run as interrupted, flush and leave. Level 2: everything ends at once.
function Pool:stop(level)
  if level <= self.level then return end
  self.level = level
  for _, w in ipairs(self.workers) do
    w.child:hang_up()
    w.child:kill(level == 1 and "TERM" or "KILL")
  end
end

function Pool:mind_signals()
  local interrupts, terminations = process.signals()
  if interrupts + terminations == 0 then return end
  self.by = self.by or (interrupts > 0 and "interrupt" or "terminate")
  if self.level == 0 then
    self.job.progress.mood = self.by == "interrupt" and "stopping: press Ctrl-C again to stop at once" or "stopping"
    if self.job.progress.columns then self.job.progress.drawn = 0 else self.job.progress:note(self.job.progress.mood) end
  end
  self:stop(interrupts + terminations > 1 and 2 or 1)
end

function Pool:mind_packer()
  local p = self.job.packer
  if p.child then
    local ok, message = packer.check(p)
    if ok == false then self.job.progress:note("no snapshot: " .. message) end
  elseif process.wall() >= p.due and self.level == 0 and self.news then
    self.news = false
    local ok, message = pcall(packer.start, p, false)
    if not ok then
      p.due = process.wall() + 60
      self.job.progress:note("no snapshot: " .. message)
    end
  end
end

-- Runs in flight, and the sum of their known fractions.
function Pool:count()
  local running, part = 0, 0
  for _, w in ipairs(self.workers) do
    local at, done, total = w.child:slot()
    if #w.queue > 0 then running = running + 1 end -- between two runs it is not idle
    if at ~= 0 and total > 0 then part = part + math.min(1, done / total) end
  end
  return running, part
end

-- Seconds until something is to be done even if nobody says anything.
function Pool:wait()
  if self.level == 2 then return 1 end
  local wait = self.job.progress:wait()
  if self.news and not self.job.packer.child then wait = math.min(wait, math.max(0, self.job.packer.due - process.wall())) end
  return self:left() == 0 and math.min(wait, patience) or wait
end

function Pool:step()
  self:mind_signals()
  if self.level == 0 then
    local free = self:left()
    for _, w in ipairs(self.workers) do
      if #w.queue == 0 and not w.leaving then free = free - 1 end
    end
    for _ = 1, math.min(free, self.job.workers - #self.workers) do
      if #self.workers < self.job.workers and self.level == 0 then self:spawn() end
    end
    for _, w in ipairs(self.workers) do self:feed(w) end
  end
  self:mind_packer()
  local children = {}
  for i, w in ipairs(self.workers) do children[i] = w.child end
  if self.job.packer.child then children[#children + 1] = self.job.packer.child end
  local ready = {}
  for _, child in ipairs(process.poll(children, self:wait())) do ready[child] = true end
  for i = #self.workers, 1, -1 do
    local w = self.workers[i]
    if ready[w.child] then
      while true do
        local text, closed = w.child:receive()
        if text then
          self.news = true
          self:hear(w, text)
        elseif closed then
          self:bury(w)
          break
        else
          self:feed(w)
          break
        end
      end
    end
  end
  self:rebalance()
  for _, w in ipairs(self.workers) do
    self:feed(w)
    if #w.queue == 0 and not w.leaving and self:left() == 0 and self.level == 0 and not self:outstanding(w) then
      w.leaving = true
      w.child:hang_up()
    end
  end
  self.job.progress:tick(self.counter)
end

-- Whether another worker has queued runs that might yet come this worker's way.
function Pool:outstanding(w)
  for _, other in ipairs(self.workers) do
    if other ~= w and #other.queue > 1 then return true end
  end
  return false
end

-- Executes a job's runs. Returns what ended it early: nil | "interrupt" | "terminate", whether at once, and a storage error's message.
---@param job thalweg.Job
---@return string|nil by, boolean at_once, string|nil trouble
function pool.execute(job)
  local self = setmetatable({ job = job, workers = {}, taken = {}, again = {}, next = 1, over = {}, level = 0, blank = 0, news = false }, Pool)
  self.counter = function() return self:count() end
  repeat self:step() until #self.workers == 0 and (self:left() == 0 or self.level > 0)
  if job.packer.child and self.level < 2 then
    while job.packer.child do
      process.poll({ job.packer.child }, 1)
      self:mind_signals()
      if self.level == 2 then job.packer.child:kill("KILL") end
      packer.check(job.packer)
    end
  end
  return self.by, self.level == 2, self.trouble
end

return pool
