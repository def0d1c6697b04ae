-- The runner from inside: what cannot be seen from the command line without waiting long.
local packer = require "thalweg.runner.packer"
local process = require "thalweg.run"
local record = require "thalweg.record"
local runner = require "thalweg.runner"
local sys = require "thalweg.sys"
local test = require "spec"

local folder = os.tmpname()
os.remove(folder)
assert(sys.make_directories(folder))

local function write(name, text)
  local file = assert(io.open(folder .. "/" .. name, "w"))
  file:write(text)
  file:close()
  return folder .. "/" .. name
end

-- Waits in a run until a file is there, at most 20 s.
local wait_for = [[
local function wait_for(path)
  local deadline = os.time() + 20
  while os.time() < deadline do
    local file = io.open(path)
    if file then file:close() return end
  end
  error("there is no " .. path)
end
]]

test("a snapshot is a whole file with the runs so far, written while others run", function()
  local out = folder .. "/snapshot.h5"
  local script = write("snapshot.lua", wait_for .. ([[
local tw = require "thalweg"
return tw.experiment { name = "snapshot", params = { part = tw.space.choice{ 1, 2 } }, run = function(run)
  if run.params.part == 2 then
    wait_for(%q)
    local sweep = tw_record.load(%q)
    run:result{ seen = sweep:statuses()[sweep:order()[1] ] == "done" and 1 or 0 }
  end
  run:log{ loss = 1.0 }
end }
]]):format(out, out):gsub("tw_record", 'require("thalweg.record")'))
  local new = packer.new
  packer.new = function(...)
    local p = new(...)
    p.due = 0
    return p
  end
  local status = runner.execute { file = script, output = out, workers = 1, quiet = true, command = "test" }
  packer.new = new
  test.eq(status, 0)
  local sweep = record.load(out)
  test.eq(sweep:result("seen")[2], 1.0)
end)

test("runs queued behind a long one are given to a worker that has nothing to do", function()
  local out, marks = folder .. "/queue.h5", folder .. "/mark"
  local script = write("queue.lua", wait_for .. ([[
local tw = require "thalweg"
return tw.experiment { name = "queue", params = { n = tw.space.range(1, 40) }, run = function(run)
  local n = run.params.n
  run:log{ loss = n }
  if n == 30 then for i = 31, 40 do wait_for(%q .. i) end end
  io.open(%q .. n, "w"):close()
end }
]]):format(marks, marks))
  local before = process.wall()
  test.eq(runner.execute { file = script, output = out, workers = 2, quiet = true, command = "test" }, 0)
  test.ok(process.wall() - before < 8, "run 30 waits for all that come after it")
end)

test("a lock of a process that is no more does not keep anybody out", function()
  local script = write("lock.lua", [[
local tw = require "thalweg"
return tw.experiment { name = "lock", params = { a = 1 }, run = function(run) run:log{ loss = 1.0 } end }
]])
  local out = folder .. "/lock.h5"
  local holder = process.spawn(function()
    record.lock(out .. ".d")
    process.send("locked")
    process.receive()
  end)
  process.poll({ holder }, 10)
  test.eq(holder:receive(), "locked")
  local ok, err = pcall(runner.execute, { file = script, output = out, quiet = true, command = "test" })
  test.eq(ok, false)
  test.ok(err.message:find("is being written by process " .. holder:pid(), 1, true), err.message)
  test.eq(err.status, 2)
  holder:kill("KILL")
  holder:reap(true)
  test.eq(runner.execute { file = script, output = out, quiet = true, command = "test" }, 0)
  test.eq(sys.kind(out .. ".d"), nil)
end)

sys.remove_directory(folder)
test.close()
