-- builds: release
-- The experiments' page tells what the scripts say: every experiment with its question, its picture and its code of today, and every row of the lectures.
local root = os.getenv("TW_ROOT") or "."
package.path = root .. "/?.lua;" .. package.path

local companion = require "docs.tools.companion"
local course = require "docs.tools.course"
local scripts = require "docs.tools.scripts"
local sys = require "thalweg.sys"
local test = require "spec"

local function read(path)
  local file = io.open(root .. "/" .. path, "rb")
  local text = file and file:read("a")
  if file then file:close() end
  return text
end

local page, all = read("experiments/README.md"), scripts.all(root)

local function none(findings)
  if #findings > 0 then
    error(#findings .. " found; `thalweg lua docs/make_experiments.lua` writes the page:\n    " .. table.concat(findings, "\n    "), 0)
  end
end

-- f(script) -> findings
local function each(f)
  local findings = {}
  for _, one in ipairs(all) do
    for _, finding in ipairs { f(one) } do findings[#findings + 1] = one.file .. ": " .. finding end
  end
  none(findings)
end

test("a first comment is read: question, prose, code, rows, plot", function()
  local one = scripts.parse("name", [[
#!/usr/bin/env thalweg
-- How far? It goes
-- far.
--   x = 1
-- And on.
-- rows: B9' d2l, A1 none
-- plot: thalweg plot runs/name.h5 loss --x lr
local tw
-- plot: no
]])
  test.eq(one, { name = "name", file = "name.lua", question = "How far?", prose = { "It goes far.", "    x = 1", "And on." }, rows = { "B9'", "d2l", "A1" },
    plot = "loss --x lr" })
  local bare = scripts.parse("bare", "#!/usr/bin/env thalweg\nlocal tw\n")
  test.eq({ bare.question, bare.prose, bare.rows, bare.plot }, { "bare", {}, {} })
end)

test("text becomes Markdown that shows it as it is", function()
  local head = companion.head(scripts.parse("a_b", "-- Is a * b < c_1? See |x|, `y_*`, _z_ & [w]; and\n-- 1. more.\n-- rows: A1\n"))
  test.eq(head, '### <a name="a_b"></a>Is a \\* b &lt; c_1?\n\n[`a_b.lua`](a_b.lua), row A1\n\nSee |x|, `y_*`, \\_z\\_ &amp; \\[w\\]; and 1. more.')
end)

test("a failed claim and an experiment that could not be run are on the page", function()
  local one = scripts.parse("x", "-- X?\n")
  local function with(outcome) return companion.page({ one }, scripts.by_chapter { one }, { x = outcome }, { x = "0" }, true) end
  local claim = { status = "fail", text = "a | b", measured = 2, relation = "<", bound = 1, why = "theory", seeds = 3, se = 0.25, printed = 1, erratum = "no" }
  local text = with { status = "fail", claims = { claim } }
  test.ok(text:find("| a \\| b | 2 &lt; 1 | **fails** | theory; 3 seeds; se 0.25. **Erratum**: printed 1; no |", 1, true), text)
  test.ok(with({ status = "error", message = "no such file" }):find("**It could not be run**: no such file", 1, true))
end)

test("every experiment is on the page with its question, its prose and its rows of today", function()
  each(function(one)
    if not page:find(companion.head(one) .. "\n", 1, true) then return "its section does not begin as its first comment says" end
  end)
end)

test("the claims on the page are of the code of today", function()
  each(function(one)
    local section = page:match('### <a name="' .. one.name:gsub("%p", "%%%0") .. '"></a>(.-<!%-%- code %x+ %-%->)')
    local hash = section and section:match("<!%-%- code (%x+) %-%->$")
    if not hash then return "its section has no code hash" end
    local now = scripts.hash(root .. "/experiments/" .. one.file)
    if hash:sub(1, 6) ~= now:sub(1, 6) then return "the code of its run has changed" end
    if hash ~= now then return "the code of its claims has changed" end
    if section:find("**fails**", 1, true) or section:find("**It could not be run**", 1, true) then return "a claim did not hold" end
  end)
end)

test("the page has no section of an experiment that is gone", function()
  local known, findings = {}, {}
  for _, one in ipairs(all) do known[one.name] = true end
  for name in page:gmatch('\n### <a name="([^"]*)"') do
    if not known[name] then findings[#findings + 1] = name end
  end
  none(findings)
end)

test("every row of the lectures is listed, covered or not, and no experiment names another", function()
  test.ok(page:find("## Rows\n\n" .. companion.rows(all) .. "\n", 1, true), "the table of rows is not that of the scripts")
  local known, in_chapter, findings = {}, {}, {}
  for _, chapter in ipairs(course.chapters) do
    for row in chapter.rows:gmatch("%S+") do
      if in_chapter[row] then findings[#findings + 1] = row .. " is in two chapters" end
      in_chapter[row] = true
    end
  end
  for _, row in ipairs(course.rows) do
    known[row[1]] = true
    if not in_chapter[row[1]] then findings[#findings + 1] = row[1] .. " is in no chapter" end
  end
  for row in pairs(in_chapter) do
    if not known[row] then findings[#findings + 1] = row .. " is in a chapter, but no row" end
  end
  none(findings)
  each(function(one)
    for _, row in ipairs(one.rows) do
      if not known[row] then return "no such row: " .. row end
    end
  end)
end)

test("links lead somewhere; pictures are PNG files below 40 KB, and none is left over", function()
  local findings, pictures = {}, {}
  for link in page:gmatch("%]%(([^)]*)%)") do
    local name = link:match("^#(.*)$")
    if name then
      local heading = ("\n" .. page):lower():gsub("\n## ([^\n]*)", function(title) return "\n## <a name=\"" .. title:gsub("%s+", "-") .. '"></a>' end)
      if not heading:find('<a name="' .. name .. '"></a>', 1, true) then findings[#findings + 1] = link end
    else
      local content = read("experiments/" .. link)
      if not content then findings[#findings + 1] = link .. ": there is no such file" end
      if content and link:match("%.png$") then
        pictures[link:match("[^/]*$")] = true
        if content:sub(1, 8) ~= "\137PNG\r\n\26\n" then findings[#findings + 1] = link .. ": no PNG file" end
        if #content > 40000 then findings[#findings + 1] = link .. ": " .. #content .. " bytes" end
      end
    end
  end
  for _, name in ipairs(sys.list(root .. "/docs/experiments") or {}) do
    if not pictures[name] then findings[#findings + 1] = "docs/experiments/" .. name .. ": the page does not show it" end
  end
  none(findings)
end)

test.close()
