-- Comma-separated text (RFC 4180): quoted fields with doubled quotes, commas and line ends inside them, CRLF or LF.
-- Knows text only; what the fields mean is csv.lua's business.
local parse = {}

-- Cuts text into records. Calls on_record(fields, line) with an array of strings and the line the record begins on; blank lines are skipped.
-- Returns nil, message, line where a quote is wrong.
---@param text string
---@param on_record fun(fields: string[], line: integer)
---@return boolean|nil ok, string|nil message, integer|nil line
function parse.records(text, on_record)
  local at, line, length = 1, 1, #text
  if text:sub(1, 3) == "\239\187\191" then at = 4 end -- a byte order mark
  while at <= length do
    local stop = text:find("\n", at, true) or length + 1
    local record = text:sub(at, text:byte(stop - 1) == 13 and stop - 2 or stop - 1)
    if not record:find('"', 1, true) then
      if record:find("%S") then
        local fields, n = {}, 0
        for field in (record .. ","):gmatch("([^,]*),") do
          n = n + 1
          fields[n] = field
        end
        on_record(fields, line)
      end
      at, line = stop + 1, line + 1
    else
      local fields, begin = {}, line
      while true do
        local field
        if text:sub(at, at) == '"' then
          local parts, from = {}, at + 1
          while true do
            local quote = text:find('"', from, true)
            if not quote then return nil, "a quote is never closed", begin end
            parts[#parts + 1] = text:sub(from, quote - 1)
            if text:sub(quote + 1, quote + 1) ~= '"' then
              at = quote + 1
              break
            end
            parts[#parts + 1] = '"'
            from = quote + 2
          end
          field = table.concat(parts)
          line = line + select(2, field:gsub("\n", ""))
        else
          local last = text:find("[,\r\n]", at) or length + 1
          field = text:sub(at, last - 1)
          if field:find('"', 1, true) then return nil, "a quote in the middle of a field: field is " .. field, line end
          at = last
        end
        fields[#fields + 1] = field
        local separator = text:match("^\r?\n", at)
        if separator or at > length then
          at, line = at + #(separator or ""), line + 1
          break
        end
        if text:sub(at, at) ~= "," then return nil, "something follows a closing quote: " .. text:sub(at, at), line end
        at = at + 1
      end
      on_record(fields, begin)
    end
  end
  return true
end

return parse
