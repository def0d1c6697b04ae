-- The command under signals: killed as a whole, interrupted once and twice, asked to leave. Whatever happens, running again ends with the file of an
-- undisturbed sweep.
local process = require "thalweg.run"
local shell = require "cli.shell"
local test = require "spec"

-- Runs of 20 steps of 5 ms; each leaves its id in `begun`.
local slow = shell.experiment { name = "slow", space = "lr = tw.space.choice{ 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8 }, steps = 19",
  body = [[
      if t == 0 then local f = io.open("begun", "a") f:write(run.id, "\n") f:close() end
      local until_then = os.clock() + 0.005
      while os.clock() < until_then do end]] }
shell.write("slow.lua", slow)

local function begun()
  local n = 0
  for _ in (shell.read("begun") or ""):gmatch("\n") do n = n + 1 end
  return n
end

-- Starts the sweep in a process group of its own and waits until so many runs have begun. Returns the group's id.
local function start(output, runs)
  shell.sh("rm -f begun status")
  shell.sh(([[
export T
(setsid sh -c 'echo $$ > pid; exec "$T" run slow.lua -j 2 -o %s' > run.txt 2>&1; echo $? > status) > /dev/null 2>&1 &]]):format(output))
  local deadline = process.wall() + 60
  while begun() < runs do
    if process.wall() > deadline then error("the sweep does not get going: " .. (shell.read("run.txt") or "")) end
    process.poll({}, 0.01)
  end
  return shell.read("pid"):match("%d+")
end

local function finish()
  local deadline = process.wall() + 60
  while not shell.read("status") or shell.read("status") == "" do
    if process.wall() > deadline then error("the sweep does not end: " .. (shell.read("run.txt") or "")) end
    process.poll({}, 0.01)
  end
  return tonumber(shell.read("status")), shell.read("run.txt")
end

local function expect(status, arguments)
  local got, out, err = shell.run(arguments)
  if got ~= status then error(("thalweg %s: expected exit status %d, got %d\n%s%s"):format(arguments, status, got, out, err), 2) end
  return out, err
end

expect(0, "run slow.lua -j 2 -o whole.h5 --quiet")

local function check_whole(output)
  test.eq(expect(0, "diff whole.h5 " .. output), "no differences in 16 runs\n")
  test.ok(not shell.exists(output .. ".d"), "the journals are gone")
end

test("kill -9 of the whole process group loses nothing that was finished", function()
  local group = start("killed.h5", 7)
  shell.sh("kill -KILL -" .. group)
  test.eq(finish(), 137)
  local first = begun()
  test.ok(shell.exists("killed.h5.d/plan.jnl"))
  shell.sh("rm begun")
  expect(0, "run slow.lua -j 2 -o killed.h5")
  test.ok(begun() <= 16 - (first - 4), ("at most two runs per worker are done again: %d were begun, then %d"):format(first, begun()))
  check_whole("killed.h5")
end)

test("kill -9 of the coordinator alone ends its workers, and running again goes on", function()
  local pid = start("alone.h5", 3)
  shell.sh("kill -KILL " .. pid)
  finish()
  expect(0, "run slow.lua -j 2 -o alone.h5")
  check_whole("alone.h5")
end)

test("the first Ctrl-C keeps what is there and exits 130; running again completes it", function()
  local group = start("interrupted.h5", 5)
  shell.sh("kill -INT -" .. group)
  local status, out = finish()
  test.eq(status, 130, out)
  local ls = expect(0, "ls interrupted.h5")
  test.ok(ls:find("[12] interrupted"), ls)
  test.ok(shell.exists("interrupted.h5"), "the file is written")
  test.ok(ls:find(" done ", 1, true), ls)
  expect(0, "run slow.lua -j 1 -o interrupted.h5")
  check_whole("interrupted.h5")
end)

test("the second Ctrl-C ends it at once", function()
  local group = start("twice.h5", 3)
  shell.sh(("kill -STOP %s; kill -INT %s; kill -INT %s; kill -CONT %s"):format(group, group, group, group))
  process.poll({}, 0.02)
  shell.sh("kill -INT " .. group)
  test.eq(finish(), 130)
  expect(0, "run slow.lua -j 2 -o twice.h5")
  check_whole("twice.h5")
end)

test("SIGTERM and SIGUSR1 exit 75 with work left", function()
  for _, name in ipairs { "TERM", "USR1" } do
    local pid = start(name .. ".h5", 3)
    shell.sh(("kill -%s %s"):format(name, pid))
    local status, out = finish()
    test.eq(status, 75, out)
    expect(0, "run slow.lua -j 2 -o " .. name .. ".h5")
    check_whole(name .. ".h5")
  end
end)

test("a signal that comes while the file is written lets it be written", function()
  shell.write("large.lua", shell.experiment { name = "large", space = "lr = tw.space.linear(0.1, 0.9, 40), steps = 300", repeats = 1,
    body = "run:log('wide', { values = tw.zeros(300) + t })" })
  for _, name in ipairs { "TERM", "INT" } do
    shell.sh("rm -f status")
    shell.sh(([[
export T
(setsid sh -c 'echo $$ > pid; exec "$T" run large.lua -j 2 -o large.h5 --fresh' > run.txt 2>&1; echo $? > status) > /dev/null 2>&1 &
until test -e large.h5.tmp || test -s status; do sleep 0.01; done
kill -%s "$(cat pid)"]]):format(name))
    local status, out = finish()
    test.eq(status, 0, out)
    test.ok(expect(0, "ls large.h5"):find("40 done", 1, true))
    test.ok(not shell.exists("large.h5.d/plan.jnl"), "the journals are gone")
  end
end)

test("a second launcher is told who is writing", function()
  local group = start("busy.h5", 1)
  local _, err = expect(2, "run slow.lua -o busy.h5")
  test.ok(err:find("is being written by process " .. group, 1, true), err)
  shell.sh("kill -KILL -" .. group)
  finish()
end)

shell.remove()
test.close()
