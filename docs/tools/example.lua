-- Runs an example: lines of Lua in which `--> text` says what the expression before it prints, or `--> error: text` how it fails.
-- A line with nothing but `--> text` continues the text above. `run` is a run, `sweep` a small sweep, `claim` a claim that prints its outcome; each is made when
-- it is first named. Used by the generator, by the test and for the guide.
local claims = require "thalweg.claims"
local object = require "thalweg.runner.object"
local core = require "thalweg.core"
local record = require "thalweg.record"
local report = require "thalweg.verify.report"
local sys = require "thalweg.sys"
local tw = require "thalweg"

local example = {}

---@class docs.Part
---@field code string
---@field wants? string what it should print
---@field got? string what it printed
---@field line integer

-- Tabs between values are two spaces on a page; file:line and the full name of a C function depend on where a message arises.
local function normal(s)
  return (s:gsub("\t", "  "):gsub("to '[%w_.]*%.([%w_]+)'", "to '%1'"):gsub("[ \r]+\n", "\n"):gsub("%s+$", ""))
end

local function position_free(message) return (tostring(message):gsub("^[^%s:]+:%d+: ", "")) end

-- Splits the lines into parts: code, and what it prints where that is said.
---@param lines string[]
---@return docs.Part[]
function example.parts(lines)
  local parts, pending = {}, {}
  for number, line in ipairs(lines) do
    local code, wants = line:match("^(.-)%s*%-%->%s?(.*)$")
    if not code then
      pending[#pending + 1] = line
    elseif code:match("^%s*$") then
      assert(parts[#parts] and #pending == 0, "nothing to continue: " .. line)
      parts[#parts].wants = parts[#parts].wants .. "\n" .. wants
    else
      pending[#pending + 1] = code
      -- The shown expression may have begun some lines above.
      local first = #pending
      while first > 0 and not load("return " .. table.concat(pending, "\n", first)) do first = first - 1 end
      if first > 1 then parts[#parts + 1] = { code = table.concat(pending, "\n", 1, first - 1), line = number } end
      local shown = table.concat(pending, "\n", math.max(first, 1))
      parts[#parts + 1] = { code = shown, wants = wants, expression = first > 0, line = number }
      pending = {}
    end
  end
  if #pending > 0 then parts[#parts + 1] = { code = table.concat(pending, "\n"), line = #lines } end
  return parts
end

-- A run as a script sees it, with a journal in a folder of its own.
local function new_run(dir)
  local book = record.logbook(dir, 1, { uuid = "00000000-0000-4000-8000-000000000000", sync = "off" })
  local row = { id = 0x123456789, hex = "00000123456789", seed = 1, params = { lr = 0.1, batch = 32 } }
  book:begin(row.id, 1, row.seed, { diverge = { "loss" }, lanes = 1 })
  return object.new({ row }, book), book
end

-- A sweep of gradient descent on x^2 / 2 from 1: two learning rates, two seeds, five rows each.
local function new_sweep(dir)
  local uuid = "00000000-0000-4000-8000-000000000001"
  local runs, order = {}, {}
  for i = 1, 4 do
    local lr = i <= 2 and 0.2 or 0.4
    runs[i] = { id = 0x1000 + i, seed = 11 + i % 2, rep = 2 - i % 2, text = ("lr=%g"):format(lr), values = { { "lr", lr } } }
    order[i] = runs[i].id
  end
  assert(sys.make_directories(dir))
  record.plan_append(dir, { uuid = uuid, meta = { name = "descent", root_seed = "0" }, order = order, runs = runs })
  local book = record.logbook(dir, 1, { uuid = uuid, sync = "off" })
  for _, one in ipairs(runs) do
    local x = 1
    book:begin(one.id, 1, one.seed, { diverge = { "loss" }, lanes = 1 })
    for t = 0, 4 do
      book:log{ loss = x * x }
      if t < 4 then x = x - one.values[1][2] * x end
    end
    book:result{ distance = x }
    book:finish("done", "", 0, 0)
  end
  book:close()
  return require("thalweg.sweep").of(assert(record.load(dir)))
end

-- claim as a script's claims function gets it; it prints the outcome at once.
local function claim_of(print_line)
  local function outcome(f)
    local c = claims.run(f, nil)[1]
    local text = report.comparison(c, 6)
    print_line(c.status .. (c.message and ": " .. position_free(c.message) or text ~= "" and ": " .. text or ""))
  end
  return setmetatable({
    skip = function(...)
      local given = table.pack(...)
      outcome(function(_, claim) claim.skip(table.unpack(given, 1, given.n)) end)
    end,
  }, { __call = function(_, ...)
    local given = table.pack(...)
    outcome(function(_, claim) claim(table.unpack(given, 1, given.n)) end)
  end })
end

local function run_parts(parts, name, dir)
  local printed, book = {}, nil
  local function take()
    local text = table.concat(printed, "\n")
    printed = {}
    return text
  end
  local env
  env = setmetatable({
    tw = tw,
    print = function(...)
      local out = table.pack(...)
      for i = 1, out.n do out[i] = tostring(out[i]) end
      printed[#printed + 1] = table.concat(out, "\t")
    end,
  }, { __index = function(_, k)
    if k == "sweep" then
      rawset(env, "sweep", new_sweep(dir .. "/sweep"))
      return rawget(env, "sweep")
    end
    if k == "claim" then return claim_of(env.print) end
    if k ~= "run" then return _G[k] end
    rawset(env, "run", (function()
      local run
      run, book = new_run(dir)
      return run
    end)())
    return rawget(env, "run")
  end })
  function env.__show(i, f)
    local out = f and table.pack(pcall(f)) or { true, n = 1 }
    if not out[1] then
      local e = out[2]
      local ended = type(e) == "table" and rawget(e, "tw_stop")
      env.print(ended and "run ends: " .. ended .. (e.message ~= "" and ", " .. e.message or "") or "error: " .. position_free(e))
    elseif out.n > 1 then
      env.print(table.unpack(out, 2, out.n))
    end
    parts[i].got = normal(take())
  end
  local chunk = {}
  for i, part in ipairs(parts) do
    if not part.wants then
      chunk[#chunk + 1] = part.code
    elseif part.expression then
      chunk[#chunk + 1] = (";__show(%d, function() return %s\nend)"):format(i, part.code)
    else
      chunk[#chunk + 1] = ("%s\n;__show(%d)"):format(part.code, i)
    end
  end
  local f, message = load(table.concat(chunk, "\n"), "=" .. name, "t", env)
  local ok, result = false, message
  if f then ok, result = pcall(f) end
  core.end_run()
  if book then book:close() end
  return ok, result
end

-- Runs an example. Returns its parts with what they printed, and where it failed, how.
---@param lines string[]
---@param name string for messages
---@return docs.Part[] parts, string|nil failure, any result what the example returned
function example.run(lines, name)
  local parts = example.parts(lines)
  local dir = os.tmpname()
  os.remove(dir)
  assert(sys.make_directories(dir))
  local ok, result = run_parts(parts, name, dir)
  sys.remove_directory(dir .. "/sweep")
  for _, file in ipairs(sys.list(dir) or {}) do os.remove(dir .. "/" .. file) end
  sys.remove_directory(dir)
  if ok then return parts, nil, result end
  return parts, type(result) == "table" and tostring(result.message) or tostring(result)
end

-- What is wrong with an example, one line each; none when it prints what it says.
---@param lines string[]
---@param name string
---@return string[]
function example.faults(lines, name)
  local parts, failure = example.run(lines, name)
  local out = { failure and name .. ": " .. failure or nil }
  for _, part in ipairs(parts) do
    if part.wants and part.got ~= normal(part.wants) then
      out[#out + 1] = ("%s: %s\n  expected: %s\n  got:      %s"):format(name, part.code, normal(part.wants), part.got or "nothing")
    end
  end
  return out
end

-- The lines of an expression and what it prints, made by running it.
---@param setup string[] lines before it
---@param code string
---@return string[]
function example.made(setup, code)
  local lines = table.move(setup, 1, #setup, 1, {})
  lines[#lines + 1] = code .. " --> "
  local parts, failure = example.run(lines, code)
  if failure then error(code .. ": " .. failure, 0) end
  lines[#lines] = nil
  local indent = code
  for line in (parts[#parts].got .. "\n"):gmatch("(.-)\n") do
    lines[#lines + 1] = indent .. " --> " .. line
    indent = (" "):rep(#code)
  end
  return lines
end

return example
