-- Child processes: messages, ends, stop signals, captured output.
local run = require "thalweg.run"
local sys = require "thalweg.sys"
local test = require "spec"

local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read("a")
  file:close()
  return text
end

-- Waits for one message; nil when the child is gone.
local function hear(child)
  while true do
    local text, closed = child:receive()
    if text or closed then return text end
    run.poll({ child }, 10)
  end
end

test("carries messages both ways, whole and in order", function()
  local child = run.spawn(function(prefix)
    for text in run.receive do run.send(prefix .. text) end
    run.send("end")
  end, "> ")
  local long = ("x"):rep(50000)
  test.eq(child:send("a"), true)
  test.eq(child:send(long), true)
  test.eq(hear(child), "> a")
  test.eq(hear(child), "> " .. long)
  child:hang_up()
  test.eq(hear(child), "end")
  test.eq(hear(child), nil)
  test.eq({ child:reap(true) }, { "exited", 0, "" })
  test.raises("1 to 60000 bytes", child.send, child, ("x"):rep(60001))
  test.eq(child:send("too late"), false)
end)

test("tells how a child ended", function()
  local function ended(f)
    local child = run.spawn(f)
    local how, number, text = child:reap(true)
    return how .. " " .. number .. " " .. text
  end
  test.eq(ended(function() end), "exited 0 ")
  test.eq(ended(function() os.exit(3) end), "exited 3 ")
  local log = os.tmpname()
  test.eq(ended(function()
    run.capture(log)
    error("it raised")
  end), "exited 70 ")
  test.ok(read(log):find("it raised", 1, true), "the traceback names the error")
  os.remove(log)
  local child = run.spawn(function() run.receive() end)
  test.eq(child:reap(), nil)
  child:kill("KILL")
  test.eq({ child:reap(true) }, { "killed", 9, "Killed" })
  test.eq({ child:reap(true) }, { "killed", 9, "Killed" }, "a second look")
end)

test("wakes poll for the child that has something to say", function()
  local silent = run.spawn(function() run.receive() end)
  local talker = run.spawn(function() run.send("here") end)
  local ready = run.poll({ silent, talker }, 10)
  test.eq(#ready, 1)
  test.ok(ready[1] == talker)
  test.eq(#run.poll({ silent }, 0), 0)
  silent:hang_up()
  test.eq(hear(silent), nil)
end)

test("shows a child's place and progress without messages", function()
  local child = run.spawn(function()
    run.receive()
    run.working(7)
    run.progress(3, 10)
    run.send("set")
    run.receive()
    run.working(0)
    run.send("revoked up to " .. run.revoked())
    run.receive()
  end)
  test.eq({ child:slot() }, { 0, 0.0, 0.0 })
  child:send("begin")
  hear(child)
  test.eq({ child:slot() }, { 7, 3.0, 10.0 })
  child:revoke(5)
  child:send("go on")
  test.eq(hear(child), "revoked up to 5")
  test.eq({ child:slot() }, { 0, 0.0, 0.0 })
  test.raises("above 0", run.progress, 1, 0)
end)

test("stops Lua code at its next instruction, and nothing outside run.call", function()
  local child = run.spawn(function()
    run.send("ready")
    local x = 0
    local ok, err = run.call(function(e) return e end, function() while true do x = x + 1 end end)
    for _ = 1, 100000 do x = x + 1 end
    run.send(tostring(ok) .. " " .. type(err) .. " " .. tostring(err.tw_stop) .. " " .. tostring(run.stopping()))
    ok, err = run.call(function(e) return e end, function() run.send("never sent") end)
    run.send(tostring(ok) .. " " .. err.tw_stop)
    run.send(run.receive() and "received" or "no more work")
  end)
  test.eq(hear(child), "ready")
  child:send("work")
  child:kill("TERM")
  test.eq(hear(child), "false table interrupted true")
  test.eq(hear(child), "false interrupted")
  test.eq(hear(child), "no more work")
  test.eq({ child:reap(true) }, { "exited", 0, "" })
end)

test("hands errors of a protected call to the handler", function()
  local child = run.spawn(function()
    local ok, text = run.call(function(e) return "seen: " .. e end, error, "plain", 0)
    run.send(tostring(ok) .. " " .. text)
    run.send(tostring(run.call(print, function() return 1, 2, 3 end)))
  end)
  test.eq(hear(child), "false seen: plain")
  test.eq(hear(child), "true")
end)

test("captures what a child writes by whatever way", function()
  local path = os.tmpname()
  local child = run.spawn(function()
    run.capture(path)
    local before = run.captured()
    print("print")
    io.write("write\n")
    io.stderr:write("stderr\n")
    os.execute("echo shell")
    run.send(before .. " " .. run.captured())
  end)
  test.eq(hear(child), "0 25")
  child:reap(true)
  test.eq(read(path), "print\nwrite\nstderr\nshell\n")
  os.remove(path)
end)

test("ends children that are dropped", function()
  local pid
  do
    local child = run.spawn(function() run.receive() end)
    pid = child:pid()
  end
  collectgarbage()
  collectgarbage()
  test.eq(sys.kind("/proc/" .. pid), nil)
end)

test("children die with their parent", function()
  local parent = run.spawn(function()
    local child = run.spawn(function() run.receive() end)
    run.send(tostring(child:pid()))
    run.receive()
  end)
  local pid = hear(parent)
  test.eq(sys.kind("/proc/" .. pid), "directory")
  parent:kill("KILL")
  parent:reap(true)
  local deadline = run.wall() + 5
  local state
  repeat
    local stat = read("/proc/" .. pid .. "/stat")
    state = stat and stat:match("%) (%a)")
  until state == nil or state == "Z" or run.wall() > deadline
  test.ok(state == nil or state == "Z", "still alive: " .. tostring(state))
end)

test("counts watched signals and wakes poll for them", function()
  run.watch()
  local child = run.spawn(function(parent)
    os.execute("kill -INT " .. parent .. "; kill -USR1 " .. parent .. "; kill -TERM " .. parent)
    run.receive()
  end, read("/proc/self/stat"):match("^%d+"))
  local deadline = run.wall() + 10
  local interrupts, terminations
  repeat
    run.poll({ child }, 10)
    interrupts, terminations = run.signals()
  until interrupts + terminations == 3 or run.wall() > deadline
  run.unwatch()
  test.eq({ interrupts, terminations }, { 1, 2 })
end)

test("makes, lists and removes folders", function()
  local root = os.tmpname()
  os.remove(root)
  test.eq(sys.make_directories(root .. "/a/b"), true)
  test.eq(sys.make_directories(root .. "/a/b"), true, "again")
  io.open(root .. "/a/file", "w"):close()
  test.eq(sys.list(root .. "/a"), { "b", "file" })
  test.eq({ sys.kind(root), sys.kind(root .. "/a/file"), sys.kind(root .. "/none") }, { "directory", "file" })
  local made, message = sys.make_directories(root .. "/a/file/c")
  test.eq(made, nil)
  test.ok(message:find("/a/file", 1, true), message)
  test.eq(sys.remove_directory(root), true)
  test.eq(sys.kind(root), nil)
  test.eq(select("#", sys.remove_directory(root)), 2)
end)

test.close()
