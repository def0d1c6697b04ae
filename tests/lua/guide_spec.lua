-- The guide: every code block runs and shows what comes out. Blocks of Lua between two headings are one script, but for those that begin with a
-- file's name, which are that file; blocks of commands and of Python are executed in one folder, in order.
local root = os.getenv("TW_ROOT") or "."
package.path = root .. "/?.lua;" .. package.path

local example = require "docs.tools.example"
local sys = require "thalweg.sys"
local test = require "spec"

local command = os.getenv("THALWEG") or arg[-1] or "thalweg"
if command:sub(1, 1) ~= "/" then command = io.popen("pwd"):read("l") .. "/" .. command end
local python = "/usr/bin/python3"

local function read(path)
  local file = assert(io.open(path, "rb"))
  local content = file:read("a")
  file:close()
  return content
end

local function write(path, content)
  local file = assert(io.open(path, "wb"))
  file:write(content)
  file:close()
end

-- { section, language, lines } in order.
local function blocks(content)
  local out, section, block = {}, "", nil
  for line in content:gmatch("([^\n]*)\n") do
    if block then
      if line == "```" then block = nil else table.insert(block.lines, line) end
    elseif line:match("^```") then
      block = { section = section, language = line:sub(4), lines = {} }
      out[#out + 1] = block
    else
      section = line:match("^#+ (.*)") or section
    end
  end
  return out
end

local folder = os.tmpname()
os.remove(folder)
assert(sys.make_directories(folder .. "/bin"))
os.execute(("ln -s '%s' '%s/bin/thalweg'"):format(command, folder))

-- What a command prints to its standard output, run in the folder.
local function output(line)
  write(folder .. "/command.sh", line .. "\n")
  local pipe = io.popen(("cd '%s' && PATH=\"$PWD/bin:$PATH\" sh ./command.sh 2>errors"):format(folder))
  local text = pipe:read("a")
  pipe:close()
  return text
end

-- Columns are as wide as their widest entry: any number of blanks stands for any other.
local function matches(line, wanted)
  line, wanted = line:gsub(" +", " "), wanted:gsub(" +", " ")
  local pattern = "^" .. wanted:gsub("%.%.%.", "\0"):gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0"):gsub("%z", ".-") .. "$"
  return line:match(pattern) ~= nil
end

-- Lines against lines in which "..." stands for any text, and alone on a line for any lines.
local function same(got, wanted)
  local i = 1
  for k, want in ipairs(wanted) do
    if want == "..." then
      if k == #wanted then return true end
      while got[i] and not matches(got[i], wanted[k + 1]) do i = i + 1 end
    else
      if not got[i] or not matches(got[i], want) then return false end
      i = i + 1
    end
  end
  return got[i] == nil
end

local function lines_of(text)
  local out = {}
  for line in text:gmatch("([^\n]*)\n?") do out[#out + 1] = line end
  while out[#out] == "" do table.remove(out) end
  return out
end

local function check_commands(lines)
  local at = 1
  while lines[at] do
    local line = lines[at]:match("^%$ (.*)")
    test.ok(line, "a command begins with $: " .. lines[at])
    local wanted = {}
    at = at + 1
    while lines[at] and not lines[at]:match("^%$ ") do
      wanted[#wanted + 1] = lines[at]
      at = at + 1
    end
    local got = output(line)
    if not same(lines_of(got), wanted) then
      error(("%s\nexpected:\n%s\ngot:\n%s\n%s"):format(line, table.concat(wanted, "\n"), got, read(folder .. "/errors")), 0)
    end
  end
end

local function check_python(lines)
  local wanted = {}
  for _, line in ipairs(lines) do wanted[#wanted + 1] = line:match("# %-> (.*)$") end
  write(folder .. "/block.py", table.concat(lines, "\n") .. "\n")
  local got = output("env -u LD_PRELOAD " .. python .. " block.py")
  if not same(lines_of(got), wanted) then
    error(("expected:\n%s\ngot:\n%s\n%s"):format(table.concat(wanted, "\n"), got, read(folder .. "/errors")), 0)
  end
end

local sections, order = {}, {}
local other = {}
for _, block in ipairs(blocks(read(root .. "/docs/guide.md"))) do
  local file = block.language == "lua" and block.lines[1]:match("^%-%- ([%w_]+%.lua)$")
  if file then
    write(folder .. "/" .. file, table.concat(block.lines, "\n") .. "\n")
  elseif block.language == "lua" then
    if not sections[block.section] then
      sections[block.section] = {}
      order[#order + 1] = block.section
    end
    table.move(block.lines, 1, #block.lines, #sections[block.section] + 1, sections[block.section])
  else
    other[#other + 1] = block
  end
end

for _, section in ipairs(order) do
  test("the Lua of the section " .. section .. " prints what it says", function()
    local faults = example.faults(sections[section], section)
    if #faults > 0 then error(table.concat(faults, "\n"), 0) end
  end)
end

local has_xarray = output(python .. " -c 'import xarray; print(1)'") == "1\n"
for i, block in ipairs(other) do
  local name = ("block %d of the section %s"):format(i, block.section)
  if block.language == "console" then
    test(name .. ": the commands print what it says", function() check_commands(block.lines) end)
  elseif block.language == "python" and not has_xarray then
    test.skip(name, "xarray is not installed")
  elseif block.language == "python" then
    test(name .. ": Python prints what it says", function() check_python(block.lines) end)
  else
    test(name .. " is of a known language", function() error("language is " .. block.language, 0) end)
  end
end

os.execute("rm -rf '" .. folder .. "'")
test.close()
