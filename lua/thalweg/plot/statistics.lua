-- What plots compute from recorded numbers: quantiles over runs, a moving mean over rows, the moments of a sample. Infinities are ordinary values here:
-- a run that diverged is infinitely bad. Nothing computed here reaches a run.
local statistics = {}

-- A sorted copy.
---@param values number[]
---@return number[]
function statistics.sorted(values)
  local out = table.move(values, 1, #values, 1, {})
  table.sort(out)
  return out
end

-- The p-quantile of sorted numbers, linear between order statistics (type 7 of Hyndman and Fan 1996; numpy's default).
---@param sorted number[] at least one, without NaN
---@param p number 0 to 1
---@return number
function statistics.quantile(sorted, p)
  local place = 1 + p * (#sorted - 1)
  local i = math.floor(place)
  local low, high = sorted[i], sorted[math.min(i + 1, #sorted)]
  local part = place - i
  if part == 0 or low == high or low == -math.huge then return low end
  return low + part * (high - low)
end

-- Median, and the ends of the band around it: the quartiles, or smallest and largest of fewer than four.
---@param values number[] without NaN
---@return number|nil median, number|nil low, number|nil high
function statistics.band(values)
  local n = #values
  if n == 0 then return nil end
  local sorted = statistics.sorted(values)
  local edge = n < 4 and 0 or 0.25
  return statistics.quantile(sorted, 0.5), statistics.quantile(sorted, edge), statistics.quantile(sorted, 1 - edge)
end

-- The mean of the values within `window` steps around each; of fewer at the two ends.
---@param values number[]
---@param steps integer[] ascending
---@param window integer
---@return number[]
function statistics.smooth(values, steps, window)
  local n, out = #values, {}
  local first, last = 1, 0
  for i = 1, n do
    while steps[first] < steps[i] - window // 2 do first = first + 1 end
    while last < n and steps[last + 1] <= steps[i] + (window - 1) // 2 do last = last + 1 end
    local sum = 0
    for k = first, last do sum = sum + values[k] end
    out[i] = sum / (last - first + 1)
  end
  return out
end

-- Mean and standard deviation (n - 1) of a sample.
---@param values number[] at least one
---@return number mean, number deviation
function statistics.moments(values)
  local n, sum, squares = #values, 0, 0
  for _, v in ipairs(values) do sum = sum + v end
  local mean = sum / n
  for _, v in ipairs(values) do squares = squares + (v - mean) * (v - mean) end
  return mean, n > 1 and math.sqrt(squares / (n - 1)) or 0
end

return statistics
