-- builds: release
-- The text of the tree: lengths of lines, functions, files and experiments; blanks; nothing that belongs to one machine or is unfinished.
local test = require "spec"
local tree = require "style.tree"

local code = {}
for _, path in ipairs(tree.files("src", "lua", "tests", "cmake", "experiments", ".ci", "CMakeLists.txt", "CMakePresets.json", "thalweg")) do
  if not path:match("%.md$") then code[#code + 1] = path end
end
local prose = {}
for _, path in ipairs(tree.files("docs", "experiments", "data/README.md", "README.md", "CHANGELOG.md", "CONTRIBUTING.md")) do
  if path:match("%.md$") then prose[#prose + 1] = path end
end

-- Recorded numbers are read by tests, not by people.
local function is_text(path) return not path:match("^tests/golden/") or path:match("%.py$") end

-- f(path, number, line) for every line of the given files; a string it returns is a finding.
local function each_line(files, f)
  local findings = {}
  for _, path in ipairs(files) do
    if is_text(path) then
      for number, line in ipairs(tree.lines(tree.read(path))) do
        local found = f(path, line)
        if found then findings[#findings + 1] = path .. ":" .. number .. ": " .. found end
      end
    end
  end
  tree.none(findings)
end

local function count(path) return #tree.lines(tree.read(path)) end

test("lines of code have at most 160 characters", function()
  each_line(code, function(_, line)
    local length = utf8.len(line) or #line
    return length > 160 and length .. " characters" or nil
  end)
end)

test("no tabs and no trailing blanks", function()
  each_line(code, function(_, line) return (line:find("\t") and "a tab") or (line:find("%s$") and "a trailing blank") or nil end)
  each_line(prose, function(_, line) return line:find("\t") and "a tab" or nil end)
end)

test("every file ends with one newline", function()
  local findings = {}
  for _, path in ipairs(code) do
    local text = is_text(path) and tree.read(path)
    if text and (text:sub(-1) ~= "\n" or text:sub(-2) == "\n\n") then findings[#findings + 1] = path end
  end
  tree.none(findings)
end)

test("files have at most 600 lines", function()
  local findings = {}
  for _, path in ipairs(code) do
    if is_text(path) then
      local lines = count(path)
      if lines > 600 then findings[#findings + 1] = path .. ": " .. lines .. " lines; there are two ideas in it" end
      if lines > 400 and lines <= 600 then print("note: " .. path .. ": " .. lines .. " lines; the aim is 400") end
    end
  end
  tree.none(findings)
end)

test("C functions have at most 100 lines", function()
  local findings = {}
  for _, path in ipairs(tree.files("src", "tests")) do
    if path:match("%.[ch]$") or path:match("%.inc$") then
      local head, began
      for number, line in ipairs(tree.lines(tree.code(tree.read(path)))) do
        if line:match("^[%a_].*%(") then head, began = line, number end
        if line:match("^}%s*$") and head then
          if number - began + 1 > 100 then findings[#findings + 1] = path .. ":" .. began .. ": " .. number - began + 1 .. " lines: " .. head end
          head = nil
        elseif line:match("^}") then head = nil end
      end
    end
  end
  tree.none(findings)
end)

test("an experiment has at most 80 lines and can be executed", function()
  local findings = {}
  for _, path in ipairs(tree.files("experiments")) do
    if path:match("%.lua$") then
      if count(path) > 80 then findings[#findings + 1] = path .. ": " .. count(path) .. " lines" end
      if not tree.read(path):match("^#!/usr/bin/env thalweg\n") then findings[#findings + 1] = path .. ": does not begin with #!/usr/bin/env thalweg" end
      if not tree.executable(path) then findings[#findings + 1] = path .. ": is not executable" end
    end
  end
  tree.none(findings)
end)

test("a source says first what it is", function()
  local findings = {}
  for _, path in ipairs(tree.files("src", "lua", "cmake", "tests/run")) do
    local first = tree.read(path):gsub("^#![^\n]*\n", "")
    local comment = path:match("%.[ch]$") or path:match("%.inc$") or path:match("%.def$") or nil
    local starts = comment and "^/%*" or path:match("%.lua$") and "^%-%-" or "^#"
    if not first:match(starts) then findings[#findings + 1] = path end
  end
  tree.none(findings)
end)

test("no path of one machine", function()
  local places = { "/wo" .. "rk/", "/ro" .. "ot/", "/ho" .. "me/" }
  local function look(_, line)
    for _, place in ipairs(places) do
      if line:find("%f[%w/]" .. place) then return line end
    end
  end
  each_line(code, look)
  each_line(prose, look)
end)

test("nothing is left to do", function()
  local marks = { "TO" .. "DO", "FIX" .. "ME", "XX" .. "X" }
  local function look(_, line)
    for _, mark in ipairs(marks) do
      if line:find("%f[%w]" .. mark .. "%f[%W]") then return line end
    end
  end
  each_line(code, look)
  each_line(prose, look)
end)

test.close()
