-- A verb's arguments from its tables of options: parsing (by argparse), --help and messages all come from them.
--   verb = { about = "one line", arguments = { { "FILE", about = } }, options = { { "-j", "--jobs", value = "N", about =, convert = }, ... },
--            run = function(args) return status end }
-- An option without `value` is a flag; with `many` it may be repeated and yields a list. An argument with `many` is a list of at least one,
-- with `optional` too of any number.
-- args.<name> takes the long name, - as _.
local names = require "thalweg.names"

local arguments = {}

local function fail(format, ...) error({ message = string.format(format, ...), status = 2, verb = true }, 0) end

local function target(option) return (option[#option]:gsub("^%-+", ""):gsub("-", "_")) end

local function help(command, verb)
  local usage, lines = { "usage: " .. command }, {}
  for _, argument in ipairs(verb.arguments) do
    local name = argument[1] .. (argument.many and " ..." or "")
    usage[#usage + 1] = argument.optional and "[" .. name .. "]" or name
  end
  if #verb.options > 0 then usage[#usage + 1] = "[OPTION ...]" end
  lines[1] = table.concat(usage, " ")
  lines[2] = ""
  lines[3] = verb.about
  lines[4] = ""
  local rows, width = {}, 0
  for _, argument in ipairs(verb.arguments) do rows[#rows + 1] = { argument[1], argument.about } end
  for _, option in ipairs(verb.options) do
    rows[#rows + 1] = { table.concat(option, ", ") .. (option.value and " " .. option.value or ""), option.about }
  end
  rows[#rows + 1] = { "-h, --help", "shows this" }
  for _, row in ipairs(rows) do width = math.max(width, #row[1]) end
  for _, row in ipairs(rows) do lines[#lines + 1] = ("  %-" .. width .. "s  %s"):format(row[1], row[2]) end
  if verb.notes then
    lines[#lines + 1] = ""
    lines[#lines + 1] = verb.notes
  end
  return table.concat(lines, "\n")
end

-- Every spelling of every option.
local function spellings(verb)
  local out = {}
  for _, option in ipairs(verb.options) do table.move(option, 1, #option, #out + 1, out) end
  out[#out + 1] = "--help"
  return out
end

-- argparse reports through its error hook, which must not return, and would leave the process by itself otherwise.
local function reword(command, verb, message)
  message = message:match("^[^\n]*")
  local unknown = message:match("^unknown option '(.*)'$")
  if unknown then fail("unknown option: %s; %s", unknown, names.hint(unknown, spellings(verb))) end
  if message == "too many arguments" then
    local wanted = {}
    for i, argument in ipairs(verb.arguments) do wanted[i] = argument[1] end
    fail("too many arguments; it takes %s", table.concat(wanted, " "))
  end
  fail("%s; see %s --help", message:gsub("'", ""), command)
end

local function build(command, verb)
  local parser = require "argparse" (command):add_help(false)
  parser:flag("--help") -- shown before argparse is asked; here it makes a word with a dash an option
  for _, argument in ipairs(verb.arguments) do
    parser:argument(argument[1]):target(argument[1]:lower()):args(argument.many and (argument.optional and "*" or "+") or argument.optional and "?" or 1)
  end
  for _, option in ipairs(verb.options) do
    local o = parser:option(table.concat(option, " ")):target(target(option)):args(option.value and 1 or 0)
    if option.many then o:count("*") else o:count("0-1"):overwrite(false) end
    if option.convert then
      o:convert(function(text)
        local value, wanted = option.convert(text)
        if value == nil then fail("wrong value: %s is %s; it must be %s", option[#option], text, wanted) end
        return value
      end)
    end
  end
  return parser
end

-- Parses the words after the verb. Returns nil when they asked for help, which has then been shown. Raises { message, status = 2 }.
---@param command string "thalweg run", for messages
---@param verb table
---@param words string[]
---@return table|nil
function arguments.parse(command, verb, words)
  for _, word in ipairs(words) do
    if word == "--help" or word == "-h" then
      print(help(command, verb))
      return nil
    end
    if word == "--" or verb.passes_on then break end
  end
  if verb.passes_on then
    if not words[1] then fail("missing argument %s; see %s --help", verb.arguments[1][1], command) end
    return { file = words[1], rest = table.move(words, 2, #words, 1, {}) }
  end
  local parser = build(command, verb)
  function parser.error(_, message) reword(command, verb, message) end
  return parser:parse(words)
end

-- Converters: return the value, or nil and what is wanted.

---@param low integer
---@param high? integer
function arguments.integer(low, high)
  return function(text)
    local value = text:match("^[+-]?%d+$") and math.tointeger(tonumber(text))
    if value and value >= low and (not high or value <= high) then return value end
    return nil, high and ("an integer from %d to %d"):format(low, high) or ("an integer of at least %d"):format(low)
  end
end

---@param valid string[]
function arguments.one_of(valid)
  return function(text)
    for _, name in ipairs(valid) do
      if name == text then return text end
    end
    return nil, "one of " .. table.concat(valid, ", ")
  end
end

-- "a,b,c" -> list of words, each accepted by `check` when there is one.
function arguments.list(check)
  return function(text)
    local out = {}
    for word in text:gmatch("[^,]+") do
      local value, wanted = word, nil
      if check then value, wanted = check(word) end
      if value == nil then return nil, wanted end
      out[#out + 1] = value
    end
    if #out == 0 then return nil, "a list with commas between" end
    return out
  end
end

return arguments
