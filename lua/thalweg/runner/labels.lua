-- Short names of configurations for people: out of canonical parameter texts ("batch=32 decay=exponential{rate=0.01} lr=0.1"), what differs.
local labels = {}

-- The parameters of a canonical text, in its order: { { "batch", "32" }, ... }. Blanks inside strings and braces separate nothing.
---@param text string
---@return { [1]: string, [2]: string }[]
function labels.split(text)
  local out, depth, first, i = {}, 0, 1, 1
  local function add(last)
    local name, value = text:sub(first, last):match("^([%a_][%w_]*)=(.*)$")
    if name then out[#out + 1] = { name, value } end
  end
  while true do
    local at = text:find('[ "{}()]', i)
    if not at then break end
    local c = text:sub(at, at)
    i = at + 1
    if c == '"' then
      local _, close = text:find('^[^"\\]*"', i)
      while not close do -- an escape on the way
        i = text:find("\\", i, true) + 2
        _, close = text:find('^[^"\\]*"', i)
      end
      i = close + 1
    elseif c == " " then
      if depth == 0 and text:find("^[%a_][%w_]*=", i) then
        add(at - 1)
        first = i
      end
    else
      depth = depth + ((c == "{" or c == "(") and 1 or -1)
    end
  end
  add(#text)
  return out
end

-- A string loses its quotes where it stays readable.
local function plain(value) return value:match('^"([%w_.+-]+)"$') or value end

-- The names of the parameters that differ between texts, in order, and a function from a text to its values by name.
---@param texts string[]
---@return string[] names, fun(text: string): table<string, string>
function labels.varying(texts)
  local names, place, seen, differs, count, cache = {}, {}, {}, {}, 0, {}
  for _, text in ipairs(texts) do
    if not cache[text] then
      local values, n = {}, 0
      for _, parameter in ipairs(labels.split(text)) do
        local name, value = parameter[1], plain(parameter[2])
        if not place[name] then
          names[#names + 1] = name
          place[name], seen[name], differs[name] = #names, value, count > 0
        end
        if seen[name] ~= value then differs[name] = true end
        values[name], n = value, n + 1
      end
      if n < #names then
        for _, name in ipairs(names) do differs[name] = differs[name] or values[name] == nil end
      end
      cache[text], count = values, count + 1
    end
  end
  local out = {}
  for _, name in ipairs(names) do
    if differs[name] then out[#out + 1] = name end
  end
  table.sort(out)
  return out, function(text) return cache[text] end
end

-- A function from a text to its short form: only what differs between the texts, or all of it when nothing does.
---@param texts string[]
---@return fun(text: string): string
function labels.shortener(texts)
  local names, values_of = labels.varying(texts)
  if #names == 0 then return function(text) return text end end
  return function(text)
    local values, out = values_of(text), {}
    for _, name in ipairs(names) do
      if values[name] then out[#out + 1] = name .. "=" .. values[name] end
    end
    return table.concat(out, " ")
  end
end

return labels
