-- builds: release
-- Lua's globals: no file makes one, and none but the language's own is read. Judged from the compiler's listing, so no spelling escapes.
local test = require "spec"
local tree = require "style.tree"

local known = {}
for name in next, _G do known[name] = true end
known.arg = true

local files = tree.files("lua", "tests", "experiments")

-- Lines of the listing look like: <tab>3<tab>[7]<tab>SETTABUP<tab>0 1 2<tab>; _ENV "name"
local function accesses(path)
  local found = {}
  local pipe = io.popen("luac5.4 -l -p '" .. (tree.root .. "/" .. path):gsub("'", "'\\''") .. "' 2>&1")
  for line in pipe:lines() do
    local number, kind, name = line:match('%[(%d+)%]%s+([GS]ETTABUP).-; _ENV "([^"]*)"')
    if number then found[#found + 1] = { line = number, writes = kind == "SETTABUP", name = name } end
  end
  if not pipe:close() then error(path .. " does not compile", 0) end
  return found
end

local function check(judge)
  local findings = {}
  for _, path in ipairs(files) do
    if path:match("%.lua$") then
      for _, access in ipairs(accesses(path)) do
        if judge(access) then findings[#findings + 1] = path .. ":" .. access.line .. ": " .. access.name end
      end
    end
  end
  tree.none(findings)
end

test("no file writes a global but arg", function() check(function(access) return access.writes and access.name ~= "arg" end) end)
test("no file reads a global that Lua does not bring", function() check(function(access) return not known[access.name] end) end)

test.close()
