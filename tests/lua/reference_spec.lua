-- The reference page and the editor's types: complete, up to date, and every example prints what it says.
local root = os.getenv("TW_ROOT") or "."
package.path = root .. "/?.lua;" .. package.path

local collect = require "docs.tools.collect"
local example = require "docs.tools.example"
local markdown = require "docs.tools.markdown"
local test = require "spec"
local text = require "docs.tools.text"
local types = require "docs.tools.types"

local topics = collect.topics(root)

local function read(path)
  local file = assert(io.open(root .. "/" .. path, "rb"))
  local content = file:read("a")
  file:close()
  return content
end

local function none(findings)
  if #findings > 0 then error(#findings .. " found:\n    " .. table.concat(findings, "\n    "), 0) end
end

local function each(f)
  local findings = {}
  for _, topic in ipairs(topics) do
    for _, entry in ipairs(topic.entries) do
      for _, finding in ipairs { f(entry) } do findings[#findings + 1] = finding end
    end
  end
  none(findings)
end

test("every public function is documented", function()
  local known, findings = {}, {}
  for _, topic in ipairs(topics) do
    for _, entry in ipairs(topic.entries) do
      known[entry.path] = true
      if entry.method then known["x:" .. entry.name] = true end
    end
  end
  for _, path in ipairs(collect.public()) do
    if not known[path] then findings[#findings + 1] = path end
  end
  none(findings)
end)

test("every entry says how it is called and what it does, and has an example", function()
  each(function(entry)
    if #entry.calls == 0 then return entry.path .. ": no call" end
    if #entry.about == 0 then return entry.path .. ": no sentence" end
    if not entry.example then return entry.path .. ": no example" end
  end)
end)

test("every example prints what it says", function()
  each(function(entry)
    if entry.example then return table.unpack(example.faults(entry.example, entry.path)) end
  end)
end)

test("docs/reference.md is what the generator makes; otherwise: thalweg lua docs/make_reference.lua", function()
  local wanted = markdown.page(topics)
  if read("docs/reference.md") ~= wanted then error("docs/reference.md is not up to date", 0) end
end)

test("docs/thalweg.d.lua is what the generator makes; otherwise: thalweg lua docs/make_reference.lua", function()
  if read("docs/thalweg.d.lua") ~= types.file(topics, collect.modules(), root) then error("docs/thalweg.d.lua is not up to date", 0) end
end)

test("the types are Lua that loads, and name only classes that are declared", function()
  local content = read "docs/thalweg.d.lua"
  local loaded, message = load(content, "=thalweg.d.lua")
  test.ok(loaded, message)
  local declared, findings = {}, {}
  for name in content:gmatch("%-%-%-@class%s+([%w_.]+)") do declared[name] = true end
  for name in content:gmatch("%-%-%-@alias%s+([%w_.]+)") do declared[name] = true end
  for line in content:gmatch("[^\n]+") do
    if line:match("^%-%-%-@") then
      for name in line:gmatch("%f[%w]thalweg%.[%w_.]*[%w_]") do
        if not declared[name] then findings[#findings + 1] = name .. " in " .. line end
      end
    end
  end
  none(findings)
end)

test("the types' parameters are the parameters of their functions", function()
  local findings, given = {}, {}
  for line in read("docs/thalweg.d.lua"):gmatch("[^\n]+") do
    local parameter = line:match("^%-%-%-@param%s+([%w_.]+)")
    if parameter then given[#given + 1] = parameter end
    local name, list = line:match("^function ([%w_.:]+)%((.-)%)")
    if name then
      local has = {}
      for p in list:gmatch("[%w_.]+") do has[p] = true end
      for _, p in ipairs(given) do
        if not has[p] then findings[#findings + 1] = name .. ": " .. p end
      end
    end
    if not line:match("^%-%-%-") then given = {} end
  end
  none(findings)
end)

test("a derivative is written out as by hand", function()
  test.eq(text.derivative("MUL(t, SUB(C(1), MUL(y, y)))"), "t * (1 - y * y)")
  test.eq(text.derivative("NEG(MUL(t, DIV(y, b)))"), "-t * (y / b)")
  test.eq(text.derivative("POS(x, t, C(0))"), "t where x > 0, else 0")
  test.eq(text.derivative("SUB(a, SUB(b, C(-0.5)))"), "a - (b - (-0.5))")
end)

test("an example that prints something else is found", function()
  test.eq(#example.faults({ "1 + 1 --> 2" }, "right"), 0)
  test.eq(#example.faults({ "1 + 1 --> 3" }, "wrong"), 1)
  test.eq(#example.faults({ "local x = 1", "for i = 1, 2 do print(i) end --> 1", "--> 2" }, "statement"), 0)
  test.eq(#example.faults({ "error('no') --> error: no", "1 --> 1" }, "error"), 0)
  test.eq(#example.faults({ "error('no')", "1 --> 1" }, "failure"), 2)
  test.eq(#example.faults({ "math.max(1,", "  2) --> 2" }, "over two lines"), 0)
end)

test.close()
