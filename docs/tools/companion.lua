-- experiments/README.md from the experiments' own texts and from what `thalweg verify` found. `head` needs the scripts alone, so that a test can compare.
local course = require "docs.tools.course"
local report = require "thalweg.verify.report"

local companion = {}

-- Where the pictures are, seen from the page.
companion.pictures = "../docs/experiments/"
companion.columns = 160

-- Plain text for Markdown; what stands between backquotes stays.
local function plain(text)
  local out = {}
  for before, code in (text .. "``"):gmatch("([^`]*)(`[^`]*`)") do
    out[#out + 1] = before:gsub("&", "&amp;"):gsub("<", "&lt;"):gsub(">", "&gt;"):gsub("[\\*~%[%]]", "\\%0"):gsub("%f[%w_]_", "\\_"):gsub("_%f[^%w_]", "\\_")
    if code ~= "``" then out[#out + 1] = code end
  end
  return table.concat(out)
end

local function cell(text) return (plain(text):gsub("|", "\\|"):gsub("%s*\n%s*", " ")) end

local function wrap(text)
  local lines, line = {}, ""
  for word in text:gmatch("%S+") do
    if line ~= "" and utf8.len(line) + 1 + utf8.len(word) > companion.columns then
      lines[#lines + 1], line = line, word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  lines[#lines + 1] = line
  -- A line that happens to begin like a list, a heading or a quotation would become one.
  for i, l in ipairs(lines) do lines[i] = l:gsub("^([-+#=])", "\\%1"):gsub("^(%d+)([.)])", "%1\\%2") end
  return table.concat(lines, "\n")
end

local function prose(paragraphs)
  local out, code = {}, nil
  for _, text in ipairs(paragraphs) do
    if text:match("^    ") then
      if not code then
        code = { "```text" }
        out[#out + 1] = code
      end
      code[#code + 1] = text:sub(5)
    else
      code = nil
      out[#out + 1] = wrap(plain(text))
    end
  end
  for i, part in ipairs(out) do out[i] = type(part) == "table" and table.concat(part, "\n") .. "\n```" or part end
  return table.concat(out, "\n\n")
end

function companion.anchor(name) return "#" .. name end

-- What a section begins with: all that comes from the script's first comment.
---@param one docs.Script
---@return string
function companion.head(one)
  local rows = #one.rows > 0 and ("row%s %s"):format(#one.rows > 1 and "s" or "", table.concat(one.rows, ", ")) or "beyond the lectures"
  local out = { ("### <a name=\"%s\"></a>%s"):format(one.name, plain(one.question)), ("[`%s`](%s), %s"):format(one.file, one.file, rows), prose(one.prose) }
  if one.plot then out[#out + 1] = ("![%s](%s%s.png)"):format(plain(one.question), companion.pictures, one.name) end
  if one.plot then out[#out + 1] = ("```sh\nthalweg plot runs/%s.h5 %s\n```"):format(one.name, one.plot) end
  return table.concat(out, "\n\n")
end

local function notes(c)
  local out = {}
  if c.why then out[1] = cell(c.why) end
  if c.seeds then out[#out + 1] = c.seeds == 1 and "one seed" or c.seeds .. " seeds" end
  if c.se then out[#out + 1] = ("se %.2g"):format(c.se) end
  local text = table.concat(out, "; ")
  if not c.erratum then return text end
  local printed = type(c.printed) == "table" and c.printed or { c.printed }
  for i, v in ipairs(printed) do printed[i] = type(v) == "number" and ("%.10g"):format(v) or tostring(v) end
  return ("%s. **Erratum**: printed %s; %s"):format(text, cell(table.concat(printed, ", ")), cell(c.erratum))
end

local marks = { pass = "holds", fail = "**fails**", skip = "not checked" }

local function claims_table(outcome)
  if outcome.message then return ("**It could not be run**: %s"):format(cell(outcome.message)) end
  local claims, rows, count = outcome.claims or {}, {}, {}
  if #claims == 0 then return "It makes no claims." end
  for i, c in ipairs(claims) do
    count[c.status] = (count[c.status] or 0) + 1
    local measured = c.status == "skip" and c.message or report.comparison(c, 6)
    rows[i] = ("| %s | %s | %s | %s |"):format(cell(c.text), cell(measured), marks[c.status], notes(c))
  end
  local body = "| claim | measured | | where the bound comes from |\n|---|---|---|---|\n" .. table.concat(rows, "\n")
  if #claims <= 8 then return body end
  local summary = (count.pass or 0) == #claims and ("%d claims, all hold"):format(#claims) or ("%d claims, %d hold"):format(#claims, count.pass or 0)
  return ("<details><summary>%s</summary>\n\n%s\n\n</details>"):format(summary, body)
end

local function rows_table(all)
  local by_row, out = {}, { "| row | system | experiments |\n|---|---|---|" }
  for _, one in ipairs(all) do
    for _, row in ipairs(one.rows) do
      by_row[row] = by_row[row] or {}
      table.insert(by_row[row], ("[%s](%s)"):format(cell(one.name), companion.anchor(one.name)))
    end
  end
  for _, row in ipairs(course.rows) do
    out[#out + 1] = ("| %s | %s | %s |"):format(row[1], cell(row[2]), by_row[row[1]] and table.concat(by_row[row[1]], ", ") or "not covered yet")
  end
  return table.concat(out, "\n")
end

-- What the page says about the rows; from the scripts alone, too.
companion.rows = rows_table

---@param all docs.Script[]
---@param chapters table of scripts.by_chapter
---@param outcomes table<string, thalweg.Verified> by the script's name
---@param hashes table<string, string>
---@param quick boolean
---@return string
function companion.page(all, chapters, outcomes, hashes, quick)
  local out, contents, claims = {}, {}, 0
  for _, outcome in pairs(outcomes) do claims = claims + #(outcome.claims or {}) end
  for _, chapter in ipairs(chapters) do
    if #chapter.scripts > 0 then
      out[#out + 1] = ("## %s\n\n%s"):format(chapter.title, chapter.about)
      local names = {}
      for i, one in ipairs(chapter.scripts) do
        names[i] = ("[%s](%s)"):format(plain(one.name), companion.anchor(one.name))
        out[#out + 1] = companion.head(one) .. "\n\n" .. claims_table(outcomes[one.name]) .. ("\n\n<!-- code %s -->"):format(hashes[one.name])
      end
      contents[#contents + 1] = wrap(("- [%s](#%s): %s"):format(chapter.title, chapter.title:lower():gsub("%s+", "-"), table.concat(names, ", "))):gsub("^\\", "")
        :gsub("\n", "\n  ")
    end
  end
  local head = ([[
<!-- Written by thalweg lua docs/make_experiments.lua from the scripts beside it. -->
# Experiments

A companion to a course on optimisation that can be run. Every section asks a question, says what one sees, shows it in a picture and lists what the script
claims about its own runs, with the values that were measured: %d experiments, %d claims, in the %s form. `thalweg run experiments/gd_parabola.lua` runs one,
the command below a picture draws it, and `thalweg verify experiments/*.lua` runs them all and checks every claim (`--quick`: the short form, in a minute).

Rows are the systems of five lectures (A to E) and of Dive into Deep Learning (d2l), [listed at the end](#rows). Where a lecture prints a wrong number, the
claim says which, and why.]]):format(#all, claims, quick and "quick" or "full")
  return table.concat({ head, table.concat(contents, "\n"), table.concat(out, "\n\n"), "## Rows\n\n" .. rows_table(all) }, "\n\n") .. "\n"
end

return companion
