-- Every experiment that declares lanes, in its quick form: no difference between one by one, three and sixty-four lanes, one worker and two.
-- builds: release
local sys = require "thalweg.sys"
local test = require "spec"

local thalweg = assert(os.getenv("THALWEG"), "THALWEG names the command to test")
local root = os.getenv("TW_ROOT") or "."
local folder = os.tmpname()
os.remove(folder)
assert(sys.make_directories(folder))

local function sh(format, ...)
  local pipe = io.popen((format .. " 2>&1"):format(...))
  local text = pipe:read("a")
  return pipe:close() == true, text
end

local _, list = sh("ls '%s'/experiments/*.lua", root)
local found = 0
for path in list:gmatch("[^\n]+") do
  local file = assert(io.open(path))
  local source = file:read("a")
  file:close()
  if source:find("\n  lanes = {", 1, true) then
    found = found + 1
    local name = path:match("([^/]+)%.lua$")
    test(name .. " is the same at every width", function()
      local quick = source:find("[ ,]quick = {") and "--quick" or ""
      local function run(out, flags)
        local ok, text = sh("'%s' run '%s' %s --quiet -o '%s/%s-%s.h5' %s", thalweg, path, quick, folder, name, out, flags)
        test.ok(ok and not text:find("lanes are off", 1, true), text)
      end
      run("alone", "--lanes 1 -j 2")
      for out, flags in next, { three = "--lanes 3 -j 2", many = "--lanes 64 -j 1" } do
        run(out, flags)
        local ok, text = sh("'%s' diff '%s/%s-alone.h5' '%s/%s-%s.h5'", thalweg, folder, name, folder, name, out)
        test.ok(ok and text:find("^no differences in [1-9]"), text)
      end
    end)
  end
end

test("there are experiments with lanes", function() test.ok(found >= 10, "found " .. found) end)
os.execute(("rm -rf '%s'"):format(folder))
test.close()
