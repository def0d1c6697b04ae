-- Writes docs/reference.md and docs/thalweg.d.lua from the documentation that stands with the code:
--   thalweg lua docs/make_reference.lua [FOLDER]      FOLDER: where the two files go, docs/ by default
local docs = arg[0]:match("^(.*)/[^/]*$") or "."
local root = docs .. "/.."
package.path = root .. "/?.lua;" .. package.path

local collect = require "docs.tools.collect"
local markdown = require "docs.tools.markdown"
local types = require "docs.tools.types"

local function write(path, content)
  local file = assert(io.open(path, "wb"))
  assert(file:write(content))
  assert(file:close())
end

local topics = collect.topics(root)
local folder = arg[1] or docs
write(folder .. "/reference.md", markdown.page(topics))
write(folder .. "/thalweg.d.lua", types.file(topics, collect.modules(), root))
