-- Axes: whether one is logarithmic, its range, and the ticks of a logarithmic one, which look the same in every terminal.
local axis = {}

local function finite(v) return v == v and v ~= math.huge and v ~= -math.huge end

local superscripts = { ["-"] = "⁻", ["0"] = "⁰", ["1"] = "¹", ["2"] = "²", ["3"] = "³", ["4"] = "⁴", ["5"] = "⁵", ["6"] = "⁶", ["7"] = "⁷",
  ["8"] = "⁸", ["9"] = "⁹" }

local function power_of_ten(e) return tonumber("1e" .. e) end

-- The exponent of the largest power of ten that is not above v > 0.
local function decade(v)
  local e = math.floor(math.log(v, 10))
  if power_of_ten(e + 1) <= v then return e + 1 end
  return power_of_ten(e) > v and e - 1 or e
end

-- Smallest and largest of the finite values, and of the positive ones; nil when there is none.
---@param values number[]
function axis.extent(values)
  local low, high, smallest
  for _, v in ipairs(values) do
    if finite(v) then
      low, high = math.min(low or v, v), math.max(high or v, v)
      if v > 0 then smallest = math.min(smallest or v, v) end
    end
  end
  return low, high, smallest
end

-- Measured values ask for a logarithmic axis when none is negative and the positive ones span at least two decades.
---@param values number[]
---@return boolean
function axis.spans_decades(values)
  local low, high, smallest = axis.extent(values)
  return low ~= nil and smallest ~= nil and low >= 0 and high / smallest >= 100
end

-- Values somebody chose ask for one when they are nearer to a geometric than to an arithmetic progression.
---@param values number[] distinct
---@return boolean
function axis.geometric(values)
  local sorted = table.move(values, 1, #values, 1, {})
  table.sort(sorted)
  local n = #sorted
  if n < 3 or sorted[1] <= 0 or sorted[n] / sorted[1] < 5 then return false end
  local function unevenness(f)
    local smallest, largest = math.huge, 0
    for i = 2, n do
      local gap = f(sorted[i]) - f(sorted[i - 1])
      smallest, largest = math.min(smallest, gap), math.max(largest, gap)
    end
    return largest / smallest
  end
  return unevenness(math.log) < unevenness(function(v) return v end)
end

-- Ticks of a logarithmic axis: { value, label } and, without a label, the small ones between.
---@param low number above 0
---@param high number
---@param most integer how many labels there is room for
---@return table[]
function axis.log_ticks(low, high, most)
  local first, last = decade(low), decade(high)
  local within = 0
  for e = first, last do
    if power_of_ten(e) >= low and power_of_ten(e) <= high then within = within + 1 end
  end
  local ticks = {}
  local function add(v, label)
    if v >= low and v <= high then ticks[#ticks + 1] = { v, label } end
  end
  if within < 3 then -- few decades: 1 2 5 are labelled
    for e = first, last do
      for digit = 1, 9 do
        local v = tonumber(digit .. "e" .. e)
        local labelled = digit == 1 or ((digit == 2 or digit == 5) and most >= 3 * within)
        add(v, labelled and ("%.6g"):format(v) or nil)
      end
    end
    return ticks
  end
  local stride = math.max(1, math.ceil(within / most))
  local plain = first >= -3 and last <= 4
  for e = first, last do
    local v = power_of_ten(e)
    local label
    if e % stride == 0 then label = plain and ("%.6g"):format(v) or "10" .. tostring(e):gsub(".", superscripts) end
    if label or within <= 40 then add(v, label) end
    if stride == 1 and within <= 6 then
      for digit = 2, 9 do add(tonumber(digit .. "e" .. e), nil) end
    end
  end
  return ticks
end

-- The scale of an axis that shows these values: { log =, low =, high = }, a little wider than they are.
---@param values number[]
---@param log boolean
---@return { log: boolean, low: number, high: number }
function axis.scale(values, log)
  local low, high, smallest = axis.extent(values)
  if log and not smallest then log = false end
  if not low then return { log = false, low = 0, high = 1 } end
  if log then
    local spread = high / smallest
    local margin = spread > 1 and math.min(spread ^ 0.04, 10) or 2
    return { log = true, low = math.max(smallest / margin, 5e-324), high = math.min(high * margin, 1.7e308) }
  end
  local margin = high > low and 0.04 * (high - low) or math.max(math.abs(high) * 0.1, 1e-12)
  return { log = false, low = low - margin, high = high + margin }
end

-- Whether option `--log` wants this axis logarithmic: true, false, or nil where it leaves the choice.
---@param log? string "x", "y", "xy", "none" or "auto"
---@param which "x"|"y"
---@return boolean|nil
function axis.forced(log, which)
  if not log or log == "auto" then return nil end
  return log ~= "none" and log:find(which, 1, true) ~= nil
end

return axis
