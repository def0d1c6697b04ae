-- What the style tests share: the tree's files, C without its comments and strings, and findings collected into one message.
local tree = { root = os.getenv("TW_ROOT") or "." }

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

function tree.executable(path) return os.execute("test -x " .. quote(tree.root .. "/" .. path)) == true end

-- Paths below the root, sorted, of the files under the named places; what is built or recorded is no part of the tree.
function tree.files(...)
  local quoted, out = {}, {}
  for i, place in ipairs{ ... } do quoted[i] = quote("./" .. place) end
  local pipe = io.popen("cd " .. quote(tree.root) .. " && find " .. table.concat(quoted, " ")
    .. " -name __pycache__ -prune -o -type f -print 2>/dev/null | LC_ALL=C sort")
  for path in pipe:lines() do out[#out + 1] = path:sub(3) end
  pipe:close()
  return out
end

function tree.read(path)
  local file = assert(io.open(tree.root .. "/" .. path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

function tree.lines(text)
  local out = {}
  for line in (text:sub(-1) == "\n" and text or text .. "\n"):gmatch("(.-)\n") do out[#out + 1] = line end
  return out
end

-- The text with comments, and the insides of strings and characters, blanked; lines keep their numbers.
function tree.code(text)
  local out, at = {}, 1
  local function blank(s) return (s:gsub("[^\n]", " ")) end
  while at <= #text do
    local from = text:find("[/\"']", at)
    if not from then break end
    out[#out + 1] = text:sub(at, from - 1)
    local mark, to = text:sub(from, from + 1), from
    if mark == "/*" then
      to = select(2, text:find("*/", from + 2, true)) or #text
      out[#out + 1] = blank(text:sub(from, to))
    elseif mark == "//" then
      to = (text:find("\n", from, true) or #text + 1) - 1
      out[#out + 1] = blank(text:sub(from, to))
    elseif mark:sub(1, 1) == "/" then
      out[#out + 1] = "/"
    else
      local quote = mark:sub(1, 1)
      repeat
        to = to + 1
        local c = text:sub(to, to)
        if c == "\\" then to = to + 1 end
      until c == quote or c == "\n" or c == ""
      out[#out + 1] = quote .. blank(text:sub(from + 1, to - 1)) .. quote
    end
    at = to + 1
  end
  out[#out + 1] = text:sub(at)
  return table.concat(out)
end

-- Raises all findings at once, a line each.
function tree.none(findings)
  if #findings == 0 then return end
  local message = #findings .. " found:\n    " .. table.concat(findings, "\n    ")
  error(setmetatable({}, { __tostring = function() return message end }))   -- an object: the harness adds no traceback to it
end

return tree
