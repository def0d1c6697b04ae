-- Gathers what is documented: the binding's rows (core.docs()), the comments in lua/thalweg, the engine's optimizers. One entry per public function.
-- What is public is read from the module itself, so nothing new can be left out unnoticed.
local core = require "thalweg.core"
local example = require "docs.tools.example"
local options = require "thalweg.options"
local ordered = require "thalweg.ordered"
local row = require "docs.tools.row"
local source = require "docs.tools.source"
local text = require "docs.tools.text"
local topics = require "docs.tools.topics"
local tw = require "thalweg"

local collect = {}

---@class docs.Entry : docs.Text
---@field path string "tw.sum", "r:normal", "x.shape"
---@field owner string "tw", "tw.linalg", "tensor", "generator", ...
---@field name string
---@field method? boolean a function of tensors that is a method as well
---@field native? boolean from the binding
---@field fields? thalweg.Option[] its option table
---@field spaces? boolean its options may be spaces
---@field annotations? string[]
---@field parameters? string of the Lua function, "a, b, n"
---@field note? string

-- How an object of each kind is called on the page.
local variables = { generator = "r", optimizer = "opt", run = "run", schedule = "s", stepper = "stepper", problem = "problem", sweep = "sweep",
  recorded = "one" }

-- The tables with public functions, by path: tw, tw.linalg, ...
---@return table<string, table>
function collect.modules()
  local out = { tw = tw }
  for name, v in next, tw do
    if type(v) == "table" and next(v) ~= nil then out["tw." .. name] = v end
  end
  return out
end

-- Public functions by address; a function may have several names.
local function published()
  local out = {}
  for path, module in next, collect.modules() do
    for name, v in next, module do
      if type(v) == "function" then
        out[v] = out[v] or {}
        out[v][name] = path
      end
    end
  end
  return out
end

local function native_entries(into)
  local public = published()
  for _, of in ipairs(core.docs()) do
    local names = of.f and public[of.f]
    local path, owner
    if of.owner then
      owner, path = of.owner, variables[of.owner] .. ":" .. of.name
    elseif not of.f then
      owner, path = "tensor", of.name
    elseif names and names[of.name] then
      owner, path = names[of.name], names[of.name] .. "." .. of.name
    end
    if path then
      local entry = text.parse(of.doc, of.owner and path or of.name:match("^[^%[%.(]*"))
      entry.path, entry.owner, entry.name, entry.group, entry.native = path, owner, of.name, of.group or "Tensors", true
      entry.method = of.method and not of.owner
      entry.topic = of.f == nil
      row.finish(entry)
      into(entry)
    end
  end
end

-- The option table a constructor checks its arguments against: seen by letting it check.
local function fields_of(f)
  local found
  local check, probe = options.check, {}
  options.check = function(_, fields, given)
    if given == probe then found = fields end
    error("enough", 0)
  end
  local nothing = function() end
  for _, arguments in ipairs { { probe }, { nothing, probe }, { "", probe }, { nothing, probe, probe }, { probe, probe, probe } } do
    if not found then pcall(f, table.unpack(arguments)) end
  end
  options.check = check
  return found
end

local function files_of(root, places)
  local out = {}
  for _, place in ipairs(places or {}) do
    if place:match("%.lua$") then
      out[#out + 1] = root .. "/lua/thalweg/" .. place
    else
      local list = require("thalweg.sys").list(root .. "/lua/thalweg/" .. place)
      table.sort(list, function(a, b)
        if a == "init.lua" or b == "init.lua" then return a == "init.lua" and b ~= "init.lua" end
        return a < b
      end)
      for _, file in ipairs(list) do
        if file:match("%.lua$") then out[#out + 1] = root .. "/lua/thalweg/" .. place .. "/" .. file end
      end
    end
  end
  return out
end

-- "thalweg.Schedule" as a reader says it: schedule.
local function plain_type(s)
  return (s:gsub("thalweg%.(%u%w*)", function(name) return name:lower() end))
end

local type_words = { any = true, boolean = true, fun = true, integer = true, number = true, string = true, table = true, thalweg = true, ["function"] = true }

-- What "---@return thalweg.Tensor vector, fun(v: thalweg.Tensor): any restore" returns: of one result its type, of several their names.
local function results_of(s)
  local parts, part, depth = {}, "", 0
  for c in (s .. ","):gmatch(".") do
    depth = depth + (c:match("[%(%[{]") and 1 or 0) - (c:match("[%)%]}]") and 1 or 0)
    if c == "," and depth == 0 then
      part = part:match("^%s*(.-)$")
      if #parts > 0 and not type_words[part:match("^%a+")] then break end -- the comma stands in a sentence
      parts[#parts + 1] = part
      part = ""
    else
      part = part .. c
    end
  end
  local out = {}
  for i, one in ipairs(parts) do
    local kind = one:match("^fun%b()") and "function" or one:match("^{") and "table" or plain_type(one:match("^[%w_.|%[%]?]+") or one)
    local name = one:match("^fun%b():%s*%S+%s+([%a_]+)") or (not one:match("^fun") and one:match("^%S+%s+([%a_]+)"))
    out[i] = #parts > 1 and name or kind
  end
  return table.concat(out, ", ")
end

-- The call of a Lua function, from its options or its annotations.
local function call_of(entry, returned)
  local result
  for _, line in ipairs(entry.annotations) do
    local of = line:match("^%-%-%-@return%s+(.*)$")
    result = result or (of and results_of(of))
    result = result or (line:match("^%-%-%-@type%s+fun") and plain_type(line:match(":%s*([%w_.]+)$") or ""))
  end
  local out = {}
  for name in (entry.parameters or ""):gmatch("[%w_.]+") do
    local annotation = ""
    for _, line in ipairs(entry.annotations) do
      if line:match("^%-%-%-@param%s+([%w_.]+)%??") == name then annotation = line end
    end
    local optional = annotation:match("^%-%-%-@param%s+[%w_.]+%?")
    local shown = name
    if name == "o" then shown = returned and ("{%s}"):format(returned) or "{...}" end
    if optional then
      out[#out + 1] = (#out > 0 and " [, %s]" or "[%s]"):format(shown)
    else
      out[#out + 1] = (#out > 0 and ", " or "") .. shown
    end
  end
  local inside = "(" .. table.concat(out) .. ")"
  return entry.name .. inside .. (result and " -> " .. result or "")
end

local function option_list(fields)
  local out = {}
  for i, field in ipairs(fields) do
    if field.default == nil then out[i] = field.name
    elseif type(field.default) == "table" then out[i] = field.name .. " = {}"
    else out[i] = field.name .. " = " .. options.show(field.default) end
  end
  if #out > 5 then out = { "options" } end
  return table.concat(out, ", ")
end

local function lua_entry(block, found, owner, path, f)
  local entry = text.parse(block.doc, block.doc:sub(1, #path) == path and path or found.name)
  entry.path, entry.owner, entry.name, entry.annotations, entry.parameters = path, owner, found.name, block.annotations, found.parameters
  entry.fields = f and fields_of(f)
  for _, line in ipairs(block.annotations) do
    entry.signature = entry.signature or line:match("^%-%-%-@type%s+(fun%(.*)$")
  end
  if #entry.calls == 0 then
    local list = entry.fields and option_list(entry.fields)
    if entry.fields and (entry.signature or not entry.parameters or entry.parameters == "o" or entry.parameters == "given") then
      local result = entry.signature and plain_type(entry.signature:match(":%s*([%w_.]+)$") or "") or ""
      for _, line in ipairs(block.annotations) do
        local of = line:match("^%-%-%-@return%s+(.*)$")
        if of then result = results_of(of) end
      end
      entry.calls[1] = ("%s{ %s }%s"):format(entry.name, list, result ~= "" and " -> " .. result or "")
    else
      entry.calls[1] = call_of(entry, list)
    end
  end
  return entry
end

-- The entries of one topic's Lua files.
local function lua_entries(root, topic, into)
  local module = collect.modules()[topic.prefix] or {}
  for _, file in ipairs(files_of(root, topic.files)) do
    for _, block in ipairs(source.blocks(file)) do
      for _, found in ipairs(block.names) do
        local object = topic.owners and topic.owners[found.owner]
        local name = topic.renamed and topic.renamed[found.name] or found.name
        if object then
          if not found.name:match("^__") then into(lua_entry(block, found, object, variables[object] .. ":" .. found.name)) end
        elseif found.owner ~= "local" and block.doc ~= "" and rawget(module, name) ~= nil and not (topic.owners and topic.prefix == "tw") then
          local renamed = { owner = found.owner, name = name, parameters = found.parameters }
          into(lua_entry(block, renamed, topic.prefix, topic.prefix .. "." .. name, module[name]))
        end
      end
      local whole = #block.names == 0 and block.doc:match("^[^\n]*%->") and block.doc:match("^(%l[%w_.:]*)[({]")
      local name = whole and whole:sub(1, #topic.prefix + 1) == topic.prefix .. "." and whole:match("[%w_]+$")
      if name then
        into(lua_entry(block, { name = name }, topic.prefix, whole, rawget(module, name)))
      elseif whole then
        local entry = text.parse(block.doc, whole)
        entry.owner, entry.name, entry.topic, entry.annotations = whole:match("^%l+"), whole, true, {}
        entry.path = whole:find(":", 1, true) and whole or entry.calls[1]:match("^(.-)%s*%->")
        into(entry)
      end
    end
  end
end

-- The option `convention`: what each library's name stands for.
local function convention(kind)
  local names = ordered.keys(kind.presets)
  if #names == 0 then return nil end
  local out = {}
  for i, name in ipairs(names) do
    local values = {}
    for option, v in ordered.pairs(kind.presets[name]) do
      values[#values + 1] = option .. " = " .. (type(v) == "number" and ("%.12g"):format(v) or tostring(v))
    end
    out[i] = name .. ": " .. table.concat(values, ", ")
  end
  return { name = "convention", type = "string", optional = true, choices = names, about = "defaults and forms of another library; " .. table.concat(out, "; ") }
end

-- Examples of optimizers: one step on a quadratic.
local function optimizer_entries(into)
  for _, kind in ipairs(core.optimizer_kinds()) do
    local fields = {}
    for i, o in ipairs(kind.options) do
      local default, kinds = o.initial == o.initial and o.initial or nil, { number = "number | schedule", flag = "boolean", choice = "string" }
      if o.type == "flag" then default = o.initial ~= 0 end
      local choices = {}
      for word in (o.choices or ""):gmatch("%S+") do choices[#choices + 1] = word end
      if o.type == "choice" then default = choices[math.tointeger(o.initial) + 1] end
      fields[i] = { name = o.name, type = kinds[o.type], default = default, about = o.about, choices = choices[1] and choices or nil,
        min = o.type == "number" and o.min > -1e299 and o.min or nil, max = o.type == "number" and o.max < 1e299 and o.max or nil }
    end
    fields[#fields + 1] = convention(kind)
    if kind.wraps then
      fields[#fields + 1] = { name = "base", type = "thalweg.Recipe", about = "the recipe of the optimizer that takes the steps, tw.optim.sgd{ ... }" }
    end
    local setup = {
      "local p = tw.tensor{ 1, -2 }",
      ("local opt = tw.optim.%s(p, { lr = 0.1 })"):format(kind.name),
      "local loss = opt:step(function(p) return p:dot(p) end)",
    }
    if not kind.options[1] or kind.options[1].name ~= "lr" then setup[2] = ("local opt = tw.optim.%s(p)"):format(kind.name) end
    if kind.example then
      setup = { setup[1] }
      for line in kind.example:gmatch("[^\n]+") do setup[#setup + 1] = line end
    end
    into {
      path = "tw.optim." .. kind.name, owner = "tw.optim", name = kind.name, fields = fields, kind = kind, spaces = true,
      calls = { kind.name .. "(params [, {options}]) -> optimizer", kind.name .. "{options} -> recipe" },
      about = { text.sentence(kind.about) }, source = kind.source, example = example.made(setup, "loss, p"),
    }
  end
end

-- All entries by topic, in reading order.
---@param root string the source tree
---@return { title: string, intro: string|nil, entries: docs.Entry[] }[]
function collect.topics(root)
  local out, by_title = {}, {}
  local function topic_of(title)
    if not by_title[title] then
      by_title[title] = { title = title, entries = {} }
      out[#out + 1] = by_title[title]
    end
    return by_title[title]
  end
  for _, topic in ipairs(topics) do topic_of(topic.title).intro = topic.intro end
  native_entries(function(entry) table.insert(topic_of(entry.group).entries, entry) end)
  for _, topic in ipairs(topics) do
    local entries = topic_of(topic.title).entries
    if topic.title == "Optimizers" then optimizer_entries(function(entry) entries[#entries + 1] = entry end) end
    local seen = {} -- place by path: of two functions of one name in a folder the documented one is public, the other a helper
    lua_entries(root, topic, function(entry)
      entry.spaces = topic.spaces
      local place = seen[entry.path]
      if not place then
        seen[entry.path] = #entries + 1
        entries[#entries + 1] = entry
      elseif entry.example and not entries[place].example then
        entries[place] = entry
      end
    end)
  end
  for i = #out, 1, -1 do
    if #out[i].entries == 0 then table.remove(out, i) end
  end
  return out
end

-- Every function a script can reach, by path, as the module itself has it: "tw.sum", "x:sum", "r:normal", "opt:step", "run:log".
---@return string[]
function collect.public()
  local out = {}
  for path, module in next, collect.modules() do
    for name, v in next, module do
      if type(v) == "function" then out[#out + 1] = path .. "." .. name end
    end
  end
  local function methods(prefix, t)
    for name, v in next, t do
      if type(v) == "function" and not name:match("^__") then out[#out + 1] = prefix .. ":" .. name end
    end
  end
  local _, tensor = debug.getupvalue(debug.getmetatable(tw.zeros(1)).__index, 1)
  methods("x", tensor)
  methods("r", debug.getmetatable(tw.rng(1)).__index)
  methods("opt", getmetatable(tw.optim.sgd(tw.zeros(1), {})))
  methods("recipe", select(2, debug.getupvalue(getmetatable(tw.optim.sgd {}).__index, 1)))
  methods("model", select(2, debug.getupvalue(getmetatable(tw.nn.linear { 1, 1 }).__index, 1)))
  local decay = tw.schedule.plateau()
  methods("s", select(2, debug.getupvalue(getmetatable(decay).__index, 1)))
  methods("stepper", getmetatable(decay:start()))
  methods("problem", select(2, debug.getupvalue(getmetatable(tw.problems.sphere()).__index, 1)))
  methods("run", getmetatable(require("thalweg.runner.object").new({ { params = {}, seed = 1, hex = "" } })).__index)
  methods("sweep", require("thalweg.sweep.view").class)
  methods("one", require("thalweg.sweep.recorded").class)
  table.sort(out)
  return out
end

return collect
