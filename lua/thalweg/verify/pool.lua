-- Verifies several experiments at once, each in a process of its own with its share of the workers, and hands out their outcomes in the order of the files.
local canonical = require "thalweg.canonical"
local one = require "thalweg.verify.one"
local process = require "thalweg.run"

local pool = {}

local message_size = 50000 -- bytes of a message between processes

-- The child: captures whatever the script prints, verifies, sends the outcome in pieces.
local function work(o, capture)
  process.capture(capture)
  local text = canonical.text(one.verify(o))
  for i = 1, #text, message_size do process.send(text:sub(i, i + message_size - 1)) end
end

local function read_all(path)
  local file = io.open(path, "rb")
  local text = file and file:read("a") or ""
  if file then file:close() end
  os.remove(path)
  return text
end

local function outcome_of(job)
  local how, number, name = job.child:reap(true)
  local chunk = load("return " .. table.concat(job.pieces), "=outcome", "t", { nan = -(0 / 0), inf = math.huge })
  local outcome = how == "exited" and number == 0 and #job.pieces > 0 and chunk and chunk()
  local printed = read_all(job.capture)
  if not outcome then
    local ended = how == "killed" and ("killed by signal %d (%s)"):format(number, name) or "it left with exit code " .. number
    outcome = { file = job.file, quick = false, status = job.stopped and "interrupted" or "error", exit = job.stopped and 130 or nil, message = ended }
  end
  outcome.printed = printed ~= "" and printed or nil
  return outcome
end

local Pool = {}
Pool.__index = Pool

-- Starts the next experiments while there are processors for them. The last ones get what the others leave free.
function Pool:start()
  while self.free > 0 and self.next <= #self.files and not self.by do
    local share = math.max(1, self.free // (#self.files - self.next + 1))
    local job = { file = self.files[self.next], place = self.next, workers = share, pieces = {}, capture = os.tmpname() }
    local o = { file = job.file, workers = share }
    for k, v in next, self.options do o[k] = v end
    job.child = process.spawn(work, o, job.capture)
    self.jobs[#self.jobs + 1] = job
    self.free, self.next = self.free - share, self.next + 1
  end
end

-- An interrupt reaches the whole process group by itself; a request to end reaches this process alone.
function Pool:mind_signals()
  local interrupts, terminations = process.signals()
  if interrupts + terminations == 0 or interrupts + terminations == self.seen then return end
  self.by = self.by or (interrupts > 0 and 130 or 75)
  for _, job in ipairs(self.jobs) do
    job.stopped = true
    if self.seen > 0 then job.child:kill("KILL") elseif terminations > 0 then job.child:kill("TERM") end
  end
  self.seen = interrupts + terminations
end

function Pool:hear(job)
  while true do
    local text, closed = job.child:receive()
    if not text then return closed end
    job.pieces[#job.pieces + 1] = text
  end
end

function Pool:step()
  self:mind_signals()
  self:start()
  local children = {}
  for i, job in ipairs(self.jobs) do children[i] = job.child end
  if #children == 0 then return end
  process.poll(children, 1)
  for i = #self.jobs, 1, -1 do
    local job = self.jobs[i]
    if self:hear(job) then
      table.remove(self.jobs, i)
      self.free = self.free + job.workers
      self.done[job.place] = outcome_of(job)
    end
  end
  while self.done[self.told + 1] do
    self.told = self.told + 1
    self.tell(self.done[self.told])
  end
  local running = {}
  for _, job in ipairs(self.jobs) do running[#running + 1] = job.file end
  self.show(self.told, running)
end

-- Verifies the files with at most `workers` runs at a time. `tell` gets each outcome, in the files' order; `show` is called now and then with how many
-- are told and which run. Returns the outcomes, and the exit status of an interrupt.
---@param files string[]
---@param workers integer
---@param options table further options of one.verify
---@param tell fun(outcome: thalweg.Verified)
---@param show fun(told: integer, running: string[])
---@return thalweg.Verified[], integer|nil
function pool.verify(files, workers, options, tell, show)
  local self = setmetatable({
    files = files, free = workers, options = options, tell = tell, show = show, jobs = {}, done = {}, next = 1, told = 0, seen = 0,
  }, Pool)
  process.watch()
  repeat self:step() until #self.jobs == 0 and (self.next > #files or self.by)
  process.unwatch()
  local status = self.by
  for i = self.told + 1, self.next - 1 do tell(self.done[i]) end
  for _, outcome in ipairs(self.done) do status = status or outcome.exit end
  return self.done, status
end

return pool
