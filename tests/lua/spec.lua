-- The Lua test harness: one test is a sentence and a function; both values are printed when they differ.
--   local test = require "spec"
--   test("adds two numbers", function() test.eq(1 + 1, 2) end)
--   test.close()      -- at the end of every spec file: prints the counts, sets the exit status
local spec = { passed = 0, failed = 0, skipped = 0 }

local function show(v)
  if type(v) == "string" then return string.format("%q", v) end
  if type(v) == "number" and math.type(v) == "float" then return string.format("%.17g", v) end
  if type(v) ~= "table" then return tostring(v) end
  local keys, out = {}, {}
  for k in next, v do keys[#keys + 1] = k end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for _, k in ipairs(keys) do out[#out + 1] = tostring(k) .. "=" .. show(v[k]) end
  return "{" .. table.concat(out, ", ") .. "}"
end

local function same(a, b)
  if a ~= a and b ~= b then return true end
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for k, v in next, a do if not same(v, b[k]) then return false end end
  for k in next, b do if a[k] == nil then return false end end
  return true
end

local function fail(level, message, ...) error(string.format(message, ...), level + 1) end

function spec.eq(got, want, note)
  if not same(got, want) then fail(2, "%sexpected %s, got %s", note and note .. ": " or "", show(want), show(got)) end
end

function spec.near(got, want, tolerance, note)
  if not (math.abs(got - want) <= tolerance) then
    fail(2, "%sexpected %.17g, got %.17g, tolerance %g", note and note .. ": " or "", want, got, tolerance)
  end
end

function spec.ok(value, note) if not value then fail(2, "%s", note or "expected a true value, got " .. show(value)) end end

-- f must raise a message that contains text (plain); returns the message.
function spec.raises(text, f, ...)
  local ok, message = pcall(f, ...)
  if ok then fail(2, "expected an error with %q, got none", text) end
  if not tostring(message):find(text, 1, true) then fail(2, "expected an error with %q, got %q", text, tostring(message)) end
  return tostring(message)
end

function spec.skip(name, why)
  spec.skipped = spec.skipped + 1
  print("SKIP " .. name .. ": " .. why)
end

function spec.close()
  print(string.format("%d passed, %d failed, %d skipped", spec.passed, spec.failed, spec.skipped))
  os.exit(spec.failed == 0 and 0 or 1, true)
end

return setmetatable(spec, {
  __call = function(_, name, f)
    local ok, message = xpcall(f, debug.traceback)
    if ok then spec.passed = spec.passed + 1 else
      spec.failed = spec.failed + 1
      print("FAIL " .. name .. "\n  " .. tostring(message))
    end
  end,
})
