-- What the experiments say about themselves: the first comment of each file (a question, what one sees, the lines `rows:` and `plot:`), and hashes of its code.
local codehash = require "thalweg.codehash"
local course = require "docs.tools.course"
local script = require "thalweg.script"
local sys = require "thalweg.sys"

local scripts = {}

---@class docs.Script
---@field name string the file's, without .lua
---@field file string
---@field question string
---@field prose string[] what follows it: paragraphs, and lines set as code, which begin with four blanks
---@field rows string[]
---@field plot? string the arguments behind `thalweg plot runs/NAME.h5`

-- The first comment's lines, without the dashes.
local function comment_of(source)
  local out = {}
  for line in source:gsub("^#![^\n]*\n", ""):gmatch("([^\n]*)\n") do
    local text = line:match("^%-%-(.*)$")
    if not text then break end
    out[#out + 1] = text
  end
  return out
end

local function add(paragraphs, text)
  local last = paragraphs[#paragraphs]
  if text:match("^%s*$") then
    paragraphs[#paragraphs + 1] = ""
  elseif text:match("^   ") then
    paragraphs[#paragraphs + 1] = "    " .. text:match("^%s*(.*)$")
  elseif not last or last == "" or last:match("^    ") then
    paragraphs[#paragraphs + 1] = text:match("^%s*(.-)%s*$")
  else
    paragraphs[#paragraphs] = last .. " " .. text:match("^%s*(.-)%s*$")
  end
end

---@param name string
---@param source string
---@return docs.Script
function scripts.parse(name, source)
  local out, paragraphs = { name = name, file = name .. ".lua", rows = {} }, {}
  for _, line in ipairs(comment_of(source)) do
    local key, rest = line:match("^ (%l+):%s*(.*)$")
    if key == "rows" then
      for row in rest:gmatch("[^%s,]+") do
        if row:match("^[A-E]%d+'?$") or row == "d2l" then out.rows[#out.rows + 1] = row end
      end
    elseif key == "plot" then
      out.plot = rest:match("^thalweg plot runs/[%w_.-]+%.h5%s*(.-)%s*$")
    else
      add(paragraphs, line)
    end
  end
  local first = table.remove(paragraphs, 1) or ""
  local question, rest = first:match("^(.-%?)%s+(.*)$")
  out.question = question or (first ~= "" and first or name)
  if rest then table.insert(paragraphs, 1, rest) end
  out.prose = {}
  for _, text in ipairs(paragraphs) do
    if text ~= "" then out.prose[#out.prose + 1] = text end
  end
  return out
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

---@param root string the tree
---@return docs.Script[] by name
function scripts.all(root)
  local out, files = {}, assert(sys.list(root .. "/experiments"))
  table.sort(files)
  for _, file in ipairs(files) do
    local name = file:match("^([%w_-]+)%.lua$")
    if name then out[#out + 1] = scripts.parse(name, read(root .. "/experiments/" .. file)) end
  end
  return out
end

-- Twelve digits that change when the code of `run` or of `claims` does, not with comments or layout.
---@param path string
---@return string
function scripts.hash(path)
  local loaded = script.load(path)
  return loaded.code_hash:sub(1, 6) .. (loaded.claims and codehash.of(loaded.claims):sub(1, 6) or "000000")
end

-- The scripts by chapter: in each in the order of the rows that they name first, those without a row last.
---@param all docs.Script[]
---@return { title: string, about: string, scripts: docs.Script[] }[]
function scripts.by_chapter(all)
  local chapter_of, place_of, out = {}, {}, {}
  for i, chapter in ipairs(course.chapters) do
    out[i] = { title = chapter.title, about = chapter.about, scripts = {} }
    local place = 0
    for row in chapter.rows:gmatch("%S+") do
      place = place + 1
      chapter_of[row], place_of[row] = i, place
    end
  end
  local function place(one)
    for _, row in ipairs(one.rows) do
      if chapter_of[row] then return chapter_of[row], place_of[row] end
    end
    return #out, math.maxinteger
  end
  for _, one in ipairs(all) do
    local list = out[place(one)].scripts
    list[#list + 1] = one
  end
  for _, chapter in ipairs(out) do
    table.sort(chapter.scripts, function(a, b)
      local _, x = place(a)
      local _, y = place(b)
      if x ~= y then return x < y end
      return a.name < b.name
    end)
  end
  return out
end

return scripts
