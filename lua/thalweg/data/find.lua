-- Where data files are: beside the running script, then in the package's own data folder.
local sys = require "thalweg.sys"

local find = {
  script = nil, ---@type string|nil the running script's folder; the current one when there is none
}

-- The folder part of a path, "." when it has none.
---@param path string
---@return string
function find.folder(path)
  local dir = path:match("^(.*)/[^/]*$")
  return dir == "" and "/" or dir or "."
end

-- The source tree that a build folder belongs to, or nil.
local function source_of(folder)
  local cache = io.open(folder .. "/CMakeCache.txt")
  if not cache then return nil end
  local text = cache:read("a")
  cache:close()
  return text:match("\nthalweg_SOURCE_DIR:STATIC=([^\n]*)")
end

-- The package's folders that hold data/: for an installed binary share/thalweg, for one in a build folder the source tree.
local function homes()
  local out, folder = {}, sys.binary()
  for _ = 1, 4 do -- prefix/lib/lua/5.4/thalweg.so is the deepest place
    folder = folder and folder:match("^(.+)/[^/]+$")
    if not folder then break end
    local shared = folder .. "/share/thalweg"
    if sys.kind(shared .. "/data") == "directory" then out[#out + 1] = shared end
    out[#out + 1] = source_of(folder)
  end
  return out
end

-- The path of a data file: as it stands when absolute, else beside the script, then in the package's data folder.
-- Returns nil and the paths tried.
---@param name string
---@return string|nil path, string[] tried
function find.file(name)
  local tried = {}
  if name:sub(1, 1) == "/" then
    tried[1] = name
  else
    local beside = find.script or "."
    tried[1] = beside == "." and name or beside .. "/" .. name
    for _, home in ipairs(homes()) do tried[#tried + 1] = home .. "/data/" .. name end
  end
  for _, path in ipairs(tried) do
    if sys.kind(path) == "file" then return path, tried end
  end
  return nil, tried
end

return find
