-- Names in messages: which are valid, and which of them the writer may have meant. Knows nothing of what the names stand for.
local names = {}

-- Sorted bytewise copy of the string keys of a table.
---@param t table
---@return string[]
function names.of(t)
  local out = {}
  for k in next, t do
    if type(k) == "string" then out[#out + 1] = k end
  end
  table.sort(out)
  return out
end

-- Number of single-character edits (insert, delete, replace, swap of neighbours) from a to b.
local function distance(a, b)
  local rows = { [0] = {} }
  for j = 0, #b do rows[0][j] = j end
  for i = 1, #a do
    rows[i] = { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      local best = math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        best = math.min(best, rows[i - 2][j - 2] + 1)
      end
      rows[i][j] = best
    end
  end
  return rows[#a][#b]
end

-- The candidates close to a name, nearest first: a third of its letters may differ, or one is the beginning of the other.
---@param name string
---@param candidates string[]
---@return string[]
function names.near(name, candidates)
  local scored, lower = {}, name:lower()
  for _, candidate in ipairs(candidates) do
    local d = distance(lower, candidate:lower())
    local shorter = math.min(#name, #candidate)
    local prefix = shorter >= 3 and lower:sub(1, shorter) == candidate:lower():sub(1, shorter)
    if prefix or d <= math.max(1, #name // 3) and d < #name then
      scored[#scored + 1] = { name = candidate, d = prefix and math.min(d, 1) or d }
    end
  end
  table.sort(scored, function(a, b)
    if a.d ~= b.d then return a.d < b.d end
    return a.name < b.name
  end)
  local out = {}
  for i = 1, math.min(#scored, 3) do out[i] = scored[i].name end
  return out
end

local readable = 40 -- a longer list helps nobody find a name

-- The hint that ends a message about an unknown name: "did you mean a or b? valid: a, b, c".
---@param name any
---@param candidates string[]
---@return string
function names.hint(name, candidates)
  local valid = #candidates > 0 and "valid: " .. table.concat(candidates, ", ") or "there are none"
  local near = type(name) == "string" and names.near(name, candidates) or {}
  if #candidates > readable then valid = string.format("docs/reference.md lists all %d names", #candidates) end
  if #near == 0 then return valid end
  return "did you mean " .. table.concat(near, " or ") .. "? " .. valid
end

return names
