-- Writes experiments/README.md and its pictures, docs/experiments/*.png:
--   thalweg lua docs/make_experiments.lua [--quick] [-j N] [--runs DIR]
-- Every experiment is verified, in its full form unless --quick is given; what the files in DIR (runs) already hold from the same code is not run again. The
-- pictures are drawn by the command in the experiment's `plot:` line and reduced to few colours (by Debian's python3-pil, where it is there). Exit status 1
-- when a claim fails or a picture is missing; the page is written all the same, and says so.
local docs = arg[0]:match("^(.*)/[^/]*$") or "."
local root = docs .. "/.."
package.path = root .. "/?.lua;" .. package.path

local companion = require "docs.tools.companion"
local pool = require "thalweg.verify.pool"
local scripts = require "docs.tools.scripts"
local sys = require "thalweg.sys"

local picture_bytes = 40000
local sizes = { "900x600", "800x533", "720x480", "640x427" }

local options = { runs = "runs", quick = false, jobs = sys.cpus() }
do
  local i = 1
  while arg[i] do
    if arg[i] == "--quick" then options.quick = true
    elseif arg[i] == "-j" and math.tointeger(tonumber(arg[i + 1])) then options.jobs, i = math.tointeger(tonumber(arg[i + 1])), i + 1
    elseif arg[i] == "--runs" and arg[i + 1] then options.runs, i = arg[i + 1], i + 1
    else error("make_experiments: unknown argument: " .. arg[i] .. "; valid: --quick, -j N, --runs DIR", 0) end
    i = i + 1
  end
end

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function write(path, content)
  local file = assert(io.open(path, "wb"))
  assert(file:write(content))
  assert(file:close())
end

local function length(path)
  local file = io.open(path, "rb")
  local bytes = file and file:seek("end")
  if file then file:close() end
  return bytes
end

-- The shell line that draws one picture: the largest size whose file is small enough, or the smallest.
local function drawing(one, sweep, out)
  local lines = { "rm -f " .. quote(out) }
  for _, size in ipairs(one.plot:find("%-%-size") and { "" } or sizes) do
    lines[#lines + 1] = ("%s plot %s %s %s -o %s && { /usr/bin/python3 %s %s 2>/dev/null || :; } && [ $(wc -c <%s) -le %d ] && exit 0"):format(
      quote(sys.binary()), quote(sweep), one.plot, size ~= "" and "--size " .. size or "", quote(out), quote(docs .. "/tools/reduce.py"), quote(out),
      quote(out), picture_bytes)
  end
  return table.concat(lines, "; ")
end

local all, files, hashes = scripts.all(root), {}, {}
for i, one in ipairs(all) do
  files[i] = root .. "/experiments/" .. one.file
  hashes[one.name] = scripts.hash(files[i])
end

local outcomes, failed = {}, false
local function complain(name, text)
  failed = true
  io.stderr:write(name, ": ", text, "\n")
end

-- Files of runs that another code of `run` made are moved aside, and those experiments done again.
local function verify(list, fresh)
  local o = { quick = options.quick, runs = options.runs, fresh = fresh, command = "thalweg lua docs/make_experiments.lua" }
  local function tell(outcome) io.stderr:write(("%-32s %s\n"):format(outcome.name or outcome.file, outcome.status)) end
  local found, interrupted = pool.verify(list, options.jobs, o, tell, function() end)
  if interrupted then os.exit(interrupted) end
  local again, places = {}, {}
  for i, outcome in ipairs(found) do
    if not fresh and outcome.status == "error" and (outcome.message or ""):find("the code of run has changed", 1, true) then
      again[#again + 1], places[#places + 1] = list[i], i
    end
  end
  for i, outcome in ipairs(#again > 0 and verify(again, true) or {}) do found[places[i]] = outcome end
  return found
end

local done = verify(files, false)
for i, outcome in ipairs(done) do
  outcomes[all[i].name] = outcome
  if outcome.status ~= "pass" then complain(all[i].name, outcome.message or outcome.status) end
end

assert(sys.make_directories(docs .. "/experiments"))
local expected, lines = {}, {}
for _, one in ipairs(all) do
  local outcome, name = outcomes[one.name], one.name .. ".png"
  expected[name] = one.plot ~= nil
  if one.plot and outcome.output then lines[#lines + 1] = drawing(one, outcome.output, docs .. "/experiments/" .. name) end
  if not one.plot then complain(one.name, "it has no line `-- plot: thalweg plot runs/" .. one.name .. ".h5 ...`") end
end
local list = os.tmpname()
write(list, table.concat(lines, "\0"))
os.execute(("xargs -0 -n 1 -P %d sh -c <%s"):format(options.jobs, quote(list)))
os.remove(list)
for _, name in ipairs(assert(sys.list(docs .. "/experiments"))) do
  if name:match("%.png$") and not expected[name] then os.remove(docs .. "/experiments/" .. name) end
end
for name, wanted in pairs(expected) do
  local bytes = wanted and length(docs .. "/experiments/" .. name)
  if wanted and not bytes then complain(name, "it could not be drawn")
  elseif wanted and bytes > picture_bytes then complain(name, ("it has %d bytes, more than %d"):format(bytes, picture_bytes)) end
end

write(root .. "/experiments/README.md", companion.page(all, scripts.by_chapter(all), outcomes, hashes, options.quick))
os.exit(not failed)
