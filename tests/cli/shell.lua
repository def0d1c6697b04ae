-- What the tests of the command share: a folder of their own, commands with their status and output, small experiments.
local shell = { thalweg = assert(os.getenv("THALWEG"), "THALWEG names the command to test") }

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local folder = os.tmpname()
os.remove(folder)
assert(os.execute("mkdir " .. quote(folder)))
shell.folder = folder

function shell.path(name) return folder .. "/" .. name end

function shell.write(name, text)
  local file = assert(io.open(shell.path(name), "wb"))
  file:write(text)
  file:close()
end

-- The file's text, or nil when there is none.
function shell.read(name)
  local file = io.open(shell.path(name), "rb")
  local text = file and file:read("a")
  if file then file:close() end
  return text
end

function shell.exists(name) return os.execute("test -e " .. quote(shell.path(name))) == true end

-- Runs a shell command in the folder; $T is the command under test. Returns the status (128 + n after signal n), its output, its standard error.
function shell.sh(command)
  shell.write("command.sh", command)
  local how, what, number = os.execute(("cd %s && T=%s sh command.sh >out.txt 2>err.txt </dev/null"):format(quote(folder), quote(shell.thalweg)))
  local _ = how
  return what == "signal" and 128 + number or number, shell.read("out.txt"), shell.read("err.txt")
end

-- The same with the verb and its arguments only: shell.run("run x.lua -j 2").
function shell.run(arguments) return shell.sh('exec "$T" ' .. arguments) end

-- Gradient descent on a quadratic in plain numbers. `body` replaces what follows the logging of step t, `space` the parameters.
function shell.experiment(o)
  return ([[
local tw = require "thalweg"
return tw.experiment {
  name = "%s", about = "gradient descent on a quadratic",
  params = { %s },
  repeats = %d,
  run = function(run)
    local p, x = run.params, 1 + run.seed %% 1000 / 1000
    for t = 0, p.steps do
      run:log{ loss = 0.5 * x * x, x = x }
      %s
      x = x - p.lr * x
    end
    run:result{ distance = x < 0 and -x or x }
  end,
}
]]):format(o.name or "tiny", o.space or "lr = tw.space.choice{ 0.1, 0.5, 0.9 }, steps = 20", o.repeats or 2, o.body or "")
end

-- Call when all is tested.
function shell.remove() os.execute("rm -rf " .. quote(folder)) end

return shell
