-- How verified claims are told: lines for people, at most 120 columns where the texts allow it, and one JSON document.
local canonical = require "thalweg.canonical"
local json = require "thalweg.json"

local report = {}

local columns = 120
local least_text = 34 -- columns a claim's text has at least

local words = { pass = "PASS", fail = "FAIL", skip = "SKIP", error = "FAIL", interrupted = "FAIL", none = "----" }
local colours = { PASS = "\27[32m", FAIL = "\27[31m", SKIP = "\27[33m" }

local function length(s) return utf8.len(s) or #s end
local function pad(s, n) return s .. (" "):rep(n - length(s)) end

-- Lines of at most `width` columns, cut at blanks.
local function wrap(s, width)
  local lines, line = {}, ""
  for word in s:gmatch("%S+") do
    if line ~= "" and length(line) + 1 + length(word) > width then
      lines[#lines + 1], line = line, word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  lines[#lines + 1] = line
  return lines
end

-- A value with so many significant digits; nil: all of them.
local function show(v, digits)
  if type(v) == "table" then
    local out = {}
    for i = 1, math.min(#v, 6) do out[i] = show(v[i], digits) end
    return "{" .. table.concat(out, ", ") .. (#v > 6 and ", ..." or "") .. "}"
  end
  if type(v) ~= "number" or not digits or math.type(v) == "integer" then return type(v) == "number" and canonical.number(v) or tostring(v) end
  if v ~= v or v == math.huge or v == -math.huge then return canonical.number(v) end
  local text = (("%%.%dg"):format(digits)):format(v)
  return tonumber(text) == v and canonical.number(v) or (text:gsub("e([+-])0*", function(sign) return sign == "-" and "e-" or "e" end))
end

local function tolerance(c)
  local out = {}
  for _, kind in ipairs { "abs", "rel", "ulp" } do
    if c[kind] then out[#out + 1] = kind .. " " .. canonical.number(c[kind]) end
  end
  return table.concat(out, " or ")
end

-- "0.97493 >= 0.96", of several elements the worst one.
---@param c thalweg.Claimed
---@param digits? integer
---@return string
function report.comparison(c, digits)
  if c.measured == nil or c.bound == nil then return c.status == "skip" and "" or "not measured" end
  local measured, bound = c.measured, c.bound
  local prefix = ""
  if c.worst then
    measured, bound = c.worst.measured, c.worst.bound
    prefix = ("[%d of %d] "):format(c.worst.index, #c.measured)
  elseif type(measured) == "table" and c.relation ~= "within" then -- of one element
    measured, bound = measured[1], type(bound) == "table" and bound[1] or bound
  elseif type(measured) == "table" then
    measured = measured[1]
  end
  local digits_measured = digits and (c.relation == "~" and math.max(digits, 10) or digits)
  local text = prefix .. show(measured, digits_measured)
  local unit = c.unit and " " .. c.unit or ""
  if c.relation == "within" then return ("%s within [%s, %s]%s"):format(text, show(bound[1], digits), show(bound[2], digits), unit) end
  text = ("%s %s %s%s"):format(text, c.relation, show(bound, digits_measured), unit)
  return c.relation == "~" and ("%s (%s)"):format(text, tolerance(c)) or text
end

local function notes(c, quick)
  local out = {}
  if c.seeds then out[#out + 1] = c.seeds == 1 and "1 seed" or c.seeds .. " seeds" end
  if c.se then out[#out + 1] = "se " .. show(c.se, 2) end
  if quick then out[#out + 1] = "quick" end
  return #out > 0 and "(" .. table.concat(out, ", ") .. ")" or ""
end

-- What stands below a claim's line.
local function details(c)
  local out = {}
  if c.status == "skip" then return { "skipped: " .. c.message } end
  if c.erratum then out[1] = ("erratum: printed %s: %s"):format(show(c.printed), c.erratum) end
  if c.status == "pass" then return out end
  if c.message then out[#out + 1] = c.message end
  if c.why then out[#out + 1] = "why: " .. c.why end
  if c.measured ~= nil and c.bound ~= nil then
    out[#out + 1] = "measured: " .. report.comparison(c)
    if c.distance and type(c.measured) ~= "boolean" then
      out[#out + 1] = (c.relation == "~" and "distance from the bound: " or "beyond the bound by: ") .. canonical.number(c.distance)
    end
  elseif c.measured ~= nil then
    out[#out + 1] = "measured: " .. show(c.measured)
  end
  return out
end

local function coloured(word, colour) return colour and colours[word] and colours[word] .. word .. "\27[0m" or word end

local function claim_lines(out, c, name, name_width, text_width, measured_width, o)
  local word = words[c.status]
  local text = wrap(c.text, text_width)
  local comparison, note = report.comparison(c, 6), notes(c, o.quick)
  local indent = (" "):rep(4 + 2 + name_width + 2)
  local head = pad(name, name_width) .. "  " .. pad(text[1], text_width) .. "  "
  local line = head .. comparison
  if note ~= "" then
    for _, width in ipairs { measured_width, 0 } do -- aligned where that fits
      local beside = head .. pad(comparison, width) .. "  " .. note
      if note ~= "" and 6 + length(beside) <= columns then line, note = beside, "" end
    end
  end
  out[#out + 1] = coloured(word, o.colour) .. "  " .. (line:gsub("%s+$", ""))
  for i = 2, #text do out[#out + 1] = indent .. text[i] end
  local below = details(c)
  if note ~= "" then table.insert(below, 1, note) end
  for _, detail in ipairs(below) do
    for part in (detail .. "\n"):gmatch("(.-)\n") do
      for i, piece in ipairs(wrap(part, columns - length(indent) - 4)) do out[#out + 1] = indent .. (i == 1 and "  " or "    ") .. piece end
    end
  end
end

local function stem(file) return file:match("([^/]*)%.lua$") or file:match("[^/]*$") end

-- Lines about one experiment.
---@param outcome thalweg.Verified
---@param o { colour: boolean, name_width: integer }
---@return string[]
function report.lines(outcome, o)
  local out, name = {}, outcome.name or stem(outcome.file)
  local name_width = math.max(o.name_width, length(name))
  local function plain(status, text)
    local word = words[status]
    for i, piece in ipairs(wrap(text, columns - 8 - name_width)) do
      out[#out + 1] = i == 1 and coloured(word, o.colour) .. "  " .. pad(name, name_width) .. "  " .. piece or (" "):rep(8 + name_width) .. piece
    end
  end
  if outcome.message then
    for part in (outcome.message .. "\n"):gmatch("(.-)\n") do plain(outcome.status, part) end
    return out
  end
  for i, f in ipairs(outcome.failures) do
    if i > 3 then
      plain("fail", ("%d more runs have no result"):format(#outcome.failures - 3))
      break
    end
    local about = f.parameters ~= "" and ("%s, seed %d"):format(f.parameters, f.rep) or ("seed %d"):format(f.rep)
    plain("fail", ("run %s %s: %s (%s)"):format(f.id, f.status, f.message ~= "" and f.message or "no message", about))
  end
  if outcome.status == "none" then
    plain("none", ("it makes no claims; %d of %d runs have results"):format(outcome.results, outcome.planned))
  end
  local text_width, measured_width = 0, 0
  for _, c in ipairs(outcome.claims) do
    text_width = math.max(text_width, length(c.text))
    measured_width = math.max(measured_width, length(report.comparison(c, 6)))
  end
  text_width = math.min(text_width, math.max(least_text, columns - 10 - name_width - measured_width))
  for _, c in ipairs(outcome.claims) do
    claim_lines(out, c, name, name_width, text_width, measured_width, { colour = o.colour, quick = outcome.quick })
  end
  return out
end

-- The width of the experiments' names, before they are known: their files are called after them.
---@param files string[]
---@return integer
function report.name_width(files)
  local width = 0
  for _, file in ipairs(files) do width = math.max(width, length(stem(file))) end
  return math.min(width, 30)
end

---@param outcomes thalweg.Verified[]
---@return { pass: integer, fail: integer, skip: integer, claims: integer, broken: integer, failed: integer }
function report.count(outcomes)
  local count = { pass = 0, fail = 0, skip = 0, claims = 0, broken = 0, failed = 0 }
  for _, outcome in ipairs(outcomes) do
    for _, c in ipairs(outcome.claims or {}) do
      count[c.status], count.claims = count[c.status] + 1, count.claims + 1
    end
    if outcome.message or #outcome.failures > 0 then count.broken = count.broken + 1 end
    if outcome.status ~= "pass" and outcome.status ~= "none" then count.failed = count.failed + 1 end
  end
  return count
end

local function plural(n, word) return ("%d %s%s"):format(n, word, n == 1 and "" or "s") end

-- The last line.
---@param outcomes thalweg.Verified[]
---@return string
function report.summary(outcomes)
  local n = report.count(outcomes)
  local line = ("%d passed, %d failed, %d skipped of %s in %s"):format(n.pass, n.fail, n.skip, plural(n.claims, "claim"), plural(#outcomes, "experiment"))
  return n.broken > 0 and ("%s; %s with runs that did not succeed"):format(line, plural(n.broken, "experiment")) or line
end

-- The JSON document.
---@param outcomes thalweg.Verified[]
---@param o { version: string, quick: boolean }
---@return string
function report.json(outcomes, o)
  local n, list = report.count(outcomes), json.array {}
  for i, outcome in ipairs(outcomes) do
    local entry = {}
    for k, v in next, outcome do entry[k] = v end
    entry.printed, entry.exit = nil, nil
    entry.name = entry.name or stem(outcome.file)
    entry.claims, entry.failures = json.array(entry.claims or {}), json.array(entry.failures or {})
    for _, c in ipairs(entry.claims) do c.comparison = report.comparison(c) end
    list[i] = entry
  end
  return json.encode { version = o.version, quick = o.quick, passed = n.pass, failed = n.fail, skipped = n.skip, claims = n.claims, experiments = list }
end

return report
