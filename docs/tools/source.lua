-- Documentation in Lua sources: the comment above a public function, sentences first, then its annotations. A comment that begins with a call
-- ("model:init(rng) -> params", "tw.nn.relu() -> model") and stands alone, a blank line below it, documents what has no definition to stand above.
local source = {}

---@class docs.Block
---@field doc string the sentences
---@field annotations string[] "---@param x number"
---@field names { owner: string, name: string, parameters: string|nil }[] what is defined directly below: nn.linear, Run:log

local function read(path)
  local file = assert(io.open(path, "rb"))
  local code = file:read("a")
  file:close()
  return code
end

-- What a line defines: owner ("nn", "Run", "" for a local function), name, parameters.
local function definition(line)
  local owner, name, parameters = line:match("^function ([%a_][%w_]*)[.:]([%a_][%w_]*)%((.-)%)")
  if owner then return { owner = owner, name = name, parameters = parameters } end
  name, parameters = line:match("^local function ([%a_][%w_]*)%((.-)%)")
  if name then return { owner = "", name = name, parameters = parameters } end
  owner, name = line:match("^([%a_][%w_]*)%.([%a_][%w_]*)%s*=")
  if owner then return { owner = owner, name = name, parameters = line:match("function%((.-)%)") } end
  owner, name = line:match("^local ([%a_][%w_]*)%s*=")
  return owner and { owner = "local", name = owner } or nil
end

-- All documented blocks of a file.
---@param path string
---@return docs.Block[]
function source.blocks(path)
  local blocks, block = {}, nil
  local defining = false
  for line in (read(path) .. "\n"):gmatch("(.-)\n") do
    if line:match("^%-%-") and line:sub(1, 3) ~= "--[" then
      if not block or defining then
        block = { lines = {}, annotations = {}, names = {} }
        blocks[#blocks + 1] = block
        defining = false
      end
      if line:match("^%-%-%-") then
        if line:match("^%-%-%-@") then block.annotations[#block.annotations + 1] = line
        else block.annotations[#block.annotations] = block.annotations[#block.annotations] .. "\n" .. line end
      else
        block.lines[#block.lines + 1] = (line:gsub("^%-%- ?", ""))
      end
    elseif line == "" then
      block, defining = nil, false
    elseif block then
      local found = definition(line)
      if found then
        block.names[#block.names + 1] = found
        -- A function's body ends the block; one-line definitions may share it.
        defining = true
        if line:match("^local function") or line:match("^function") then block = nil end
      elseif #block.names == 0 or not line:match("^[%s%})]") then
        block = nil
      else
        block = nil
      end
    end
  end
  for _, b in ipairs(blocks) do b.doc = table.concat(b.lines, "\n") end
  return blocks
end

-- The class annotations of a file: { name = "thalweg.Model", lines = { "---@class thalweg.Model", "---@field ..." } }, in order.
---@param path string
---@return { name: string, lines: string[] }[]
function source.classes(path)
  local out = {}
  for _, block in ipairs(source.blocks(path)) do
    local first = block.annotations[1]
    local name = first and first:match("^%-%-%-@class%s+([%w_.]+)")
    if name then out[#out + 1] = { name = name, lines = block.annotations } end
  end
  return out
end

return source
