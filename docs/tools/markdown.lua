-- The reference page.
local options = require "thalweg.options"
local text = require "docs.tools.text"

local markdown = {}

local preface = [[
# Reference

Made by `thalweg lua docs/make_reference.lua` from the documentation that stands with the code; every example is run by a test.
`local tw = require "thalweg"` is assumed throughout, and `-->` shows what the expression before it prints.

**Calls.** Brackets mark what may be left out, with the default where there is one; `...` repeats. Options come last in a table, and an unknown
one is an error that lists the valid ones. A shape is given as numbers or as one table: `tw.zeros(2, 3)`, `tw.zeros{2, 3}`. A function of tensors is
a method as well: `tw.sum(x, 1)` is `x:sum(1)`.

**Axes and indices** count from 1; negative ones count from the end.

**Dtypes.** `f64` (the default, or what an experiment's `dtype` says inside its run) and `f32` compute; `i64` and `bool` index, count and mask. A number takes
the dtype of the tensor it meets, `i64` with a real tensor gives real, and `f32` with `f64` is an error that names `x:to`. Functions of real tensors give
the dtype they are given.

**Broadcasting.** Axes are matched from the last; a missing axis or one of size 1 repeats.

**Gradients.** Everything that is smooth has exact derivatives of any order, in reverse and forward mode.

**Bits.** The same call on the same numbers gives the same bits, wherever an element stands and however the tensor lies in memory.

**Errors** name the function, what is wrong, the shapes and dtypes, and the way out.
]]

local function anchor(path) return (path:lower():gsub("[^%w_ -]", ""):gsub(" ", "-")) end

local function code_block(lines) return "```lua\n" .. table.concat(lines, "\n"):gsub("\t", "  ") .. "\n```" end

local function default_of(field)
  if field.default == nil then return field.optional and "" or "required" end
  if type(field.default) == "table" then return "`{}`" end
  return "`" .. options.show(field.default) .. "`"
end

local function type_of(field)
  if not field.choices then return (field.type:gsub("|", "\\|")) end
  local out = {}
  for i, choice in ipairs(field.choices) do out[i] = options.show(choice) end
  return "`" .. table.concat(out, "` `") .. "`"
end

local function range_of(field)
  local function at(v) return options.show(v) end
  if field.above then return "> " .. at(field.above) end
  if field.min and field.max then return at(field.min) .. " to " .. at(field.max) end
  if field.min then return ">= " .. at(field.min) end
  return field.max and "<= " .. at(field.max) or ""
end

local function option_table(fields)
  local out = { "| option | type | default | range | |", "|---|---|---|---|---|" }
  for _, field in ipairs(fields) do
    out[#out + 1] = ("| `%s` | %s | %s | %s | %s |"):format(field.name, type_of(field), default_of(field), range_of(field), (field.about:gsub("|", "\\|")))
  end
  return table.concat(out, "\n")
end

-- The calls as the reader writes them: with the module or object before them.
local function calls_of(entry)
  local out = {}
  local prefix = entry.topic and "" or entry.path:sub(1, #entry.path - #entry.name)
  for i, call in ipairs(entry.calls) do out[i] = call:sub(1, #prefix) == prefix and call or prefix .. call end
  return out
end

local function entry_text(entry)
  local out = { "### " .. entry.path, code_block(calls_of(entry)) }
  for _, paragraph in ipairs(entry.about) do out[#out + 1] = text.wrap(paragraph, 120) end
  if entry.derivative then
    local names = #entry.derivative == 1 and { "" } or { " by a", " by b", " by c" }
    local list = {}
    for i, d in ipairs(entry.derivative) do list[i] = ("Derivative%s: `%s`."):format(names[i], d) end
    out[#out + 1] = table.concat(list, " ")
  end
  if entry.note then out[#out + 1] = entry.note end
  if entry.formula then out[#out + 1] = "Formula: `" .. entry.formula .. "`" end
  if entry.source then out[#out + 1] = text.wrap("Source: " .. entry.source, 120) end
  if entry.fields and #entry.fields > 0 then out[#out + 1] = option_table(entry.fields) end
  if entry.example then out[#out + 1] = code_block(entry.example) end
  return table.concat(out, "\n\n")
end

---@param topics table as collect.topics gives them
---@return string
function markdown.page(topics)
  local out = { preface .. "\n## Contents" }
  local contents = {}
  for _, topic in ipairs(topics) do
    local names = {}
    for i, entry in ipairs(topic.entries) do names[i] = ("[%s](#%s)"):format((entry.path:gsub("[%[%]]", "\\%0")), anchor(entry.path)) end
    contents[#contents + 1] = text.wrap(("- [%s](#%s): "):format(topic.title, anchor(topic.title)) .. table.concat(names, ", "), 118):gsub("\n", "\n  ")
  end
  out[#out + 1] = table.concat(contents, "\n")
  for _, topic in ipairs(topics) do
    out[#out + 1] = "## " .. topic.title
    if topic.intro then out[#out + 1] = text.wrap(topic.intro, 120) end
    for _, entry in ipairs(topic.entries) do out[#out + 1] = entry_text(entry) end
  end
  return table.concat(out, "\n\n") .. "\n"
end

return markdown
