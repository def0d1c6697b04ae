-- Bad input is answered with one line that says what is wrong and what would be right, and with exit status 2 (3 where the system refuses).
local shell = require "cli.shell"
local test = require "spec"

-- The command must end with this status, its message must have one line that contains each of the texts.
local function refused(status, arguments, ...)
  local got, out, err = shell.run(arguments)
  if got ~= status then error(("thalweg %s: expected exit status %d, got %d\n%s%s"):format(arguments, status, got, out, err), 2) end
  test.eq(select(2, err:gsub("\n", "")), 1, "one line: " .. err)
  for _, text in ipairs { ... } do test.ok(err:find(text, 1, true), ("%q is not in: %s"):format(text, err)) end
end

shell.write("good.lua", shell.experiment { name = "good" })

test("a missing file", function()
  refused(2, "run none.lua", "none.lua")
  refused(2, "none.lua", "none.lua")
  refused(2, "ls none.h5", "none.h5")
  refused(2, "best none.h5", "none.h5")
  refused(2, "diff none.h5 none.h5", "none.h5")
  refused(2, "lua none.lua", "none.lua")
end)

test("a syntax error names file and line", function()
  shell.write("syntax.lua", "local x = 1\nlocal y = = 2\n")
  local _, _, err = shell.run("run syntax.lua")
  test.ok(err:find("^syntax.lua:2: "), err)
  refused(2, "run syntax.lua", "syntax.lua:2:")
end)

test("a script that returns nothing, or something else", function()
  shell.write("nothing.lua", "local x = 1\n")
  refused(2, "run nothing.lua", "nothing.lua", "returns nothing")
  shell.write("number.lua", "return 7\n")
  refused(2, "run number.lua", "number.lua", "returns a number")
end)

test("an undeclared global and an unknown tw name, at their lines", function()
  shell.write("global.lua", "local tw = require 'thalweg'\nlocal x = lenght\n")
  refused(2, "run global.lua", "global.lua:2:", "lenght")
  shell.write("name.lua", "local tw = require 'thalweg'\nreturn tw.experimnt {}\n")
  refused(2, "run name.lua", "name.lua:2:", "experimnt", "did you mean", "experiment?")
end)

test("an unknown option in a script lists the valid ones", function()
  shell.write("option.lua", "local tw = require 'thalweg'\nreturn tw.experiment { name = 'x', repeat_count = 3, run = function() end }\n")
  refused(2, "run option.lua", "option.lua:", "repeat_count", "repeats", "objective")
end)

test("an unknown option on the command line lists the valid ones", function()
  refused(2, "run good.lua --onyl lr==1", "thalweg run: unknown option: --onyl; did you mean --only?", "--repeats")
  refused(2, "ls --all x.h5", "thalweg ls: unknown option: --all", "--status")
  refused(2, "diff -q a b", "thalweg diff: unknown option: -q", "--help")
  refused(2, "--verison", "unknown option: --verison", "run, ls, best, verify, show, plot, diff, lua")
end)

test("an unknown verb lists the valid ones", function()
  refused(2, "rnu good.lua", "unknown verb: rnu; did you mean run?", "run, ls, best, verify, show, plot, diff, lua")
end)

test("missing, superfluous and wrong arguments", function()
  refused(2, "run", "thalweg run: missing argument FILE")
  refused(2, "run good.lua other.lua", "too many arguments; it takes FILE")
  refused(2, "run good.lua -j 0", "--jobs is 0; it must be an integer from 1 to 1000")
  refused(2, "run good.lua --repeats x", "--repeats is x")
  refused(2, "run good.lua --seed=-1", "--seed is -1")
  refused(2, "run good.lua --sync never", "off, run or whole seconds")
  refused(2, "run good.lua --compress 11", "--compress is 11")
  refused(2, "run good.lua --set lr", "NAME=VALUE")
  refused(2, "run good.lua -o", "-o requires an argument")
  refused(2, "run good.lua --run xyz", "--run is xyz")
  refused(2, "ls x.h5 --status fine", "--status is fine", "diverged")
  refused(2, "lua", "missing argument FILE")
end)

test("an unknown parameter lists the names", function()
  refused(2, "run good.lua --set rl=0.1", "--set: unknown parameter: rl", "did you mean lr?", "steps")
  refused(2, "run good.lua --only 'rl<1'", "--only: unknown parameter: rl", "did you mean lr?")
  refused(2, "run good.lua --only 'lr<'", "--only:")
  test.ok(not shell.exists("runs"), "nothing is left behind")
end)

test("an output that cannot be written is noticed before any run starts", function()
  shell.write("touch.lua", shell.experiment { name = "touch", body = 'io.open("started", "w"):close()' })
  refused(3, "run touch.lua -o /proc/nowhere/out.h5", "/proc/nowhere", "-o")
  shell.write("a-file", "")
  refused(3, "run touch.lua -o a-file/out.h5", "a-file", "-o")
  shell.sh("mkdir a-folder")
  refused(2, "run touch.lua -o a-folder", "it is a directory: a-folder")
  test.ok(not shell.exists("started"))
end)

test("a file that is no sweep is left alone", function()
  shell.write("text.h5", "not HDF5 at all\n")
  refused(2, "run good.lua -o text.h5", "text.h5", "--fresh")
  test.eq(shell.read("text.h5"), "not HDF5 at all\n")
  test.ok(not shell.exists("text.h5.d"))
  refused(2, "ls text.h5", "text.h5")
end)

test("help and version", function()
  local status, out = shell.run("--help")
  test.eq(status, 0)
  for _, verb in ipairs { "run", "ls", "best", "verify", "show", "plot", "diff", "lua" } do
    test.ok(out:find("\n  " .. verb .. " ", 1, true), verb)
    local ok, help = shell.run(verb .. " --help")
    test.eq(ok, 0)
    test.ok(help:find("usage: thalweg " .. verb, 1, true), help)
  end
  status, out = shell.run("--version")
  test.eq(status, 0)
  test.ok(out:find("^thalweg %d+%.%d+%.%d+\n$"), out)
  test.eq(shell.run(""), 2)
end)

shell.remove()
test.close()
