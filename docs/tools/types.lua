-- The editor's types: a LuaLS meta file. Functions of the binding get theirs from their calls, those in Lua keep their annotations, constructors with an
-- option table get it from there.
local source = require "docs.tools.source"
local text = require "docs.tools.text"
local tw = require "thalweg"

local types = {}

local tensor, operand = "thalweg.Tensor", "thalweg.Tensor|number"

-- What a name in a call means. A name that is not here is of any type.
local by_name = {
  x = operand, y = operand, a = operand, b = operand, c = operand, mask = tensor, index = tensor, logits = tensor, target = tensor,
  weight = tensor, bias = tensor, input = tensor, w = tensor, indices = tensor, r = "thalweg.Generator", rng = "thalweg.Generator",
  axis = "integer", n = "integer", k = "integer", first = "number", last = "number", step = "number", low = "integer", high = "integer",
  seed = "integer",
  slope = operand, alpha = operand, name = "string", stream = "string", path = "string", spec = "string", dtype = "thalweg.Dtype",
  f = "function", value = "any", shape = "integer", axes = "integer", size = "integer", classes = "integer", p = "any", v = "any",
  ["{axes}"] = "integer[]", ["{tensors}"] = tensor .. "[]", ["{shape}"] = "integer[]",
}

local by_result = {
  tensor = tensor, ["i64 tensor"] = tensor, ["bool tensor"] = tensor, ["i64 vector"] = tensor, x = tensor, y = "any", ydot = "any", values = tensor,
  number = "number", integer = "integer", boolean = "boolean", string = "string", table = "table", ["function"] = "function", f = "function",
  generator = "thalweg.Generator", g = "function", pullback = "function",
  tree = "any", value = "any", optimizer = "thalweg.Optimizer", recipe = "thalweg.Recipe", params = "table",
}

-- "a, [b, c = 1], {d}" cut at its commas outside braces; each part with whether brackets stood around it.
local function arguments(inside)
  local out, part, braces, brackets, optional = {}, "", 0, 0, false
  local function flush()
    part = part:match("^%s*(.-)%s*$")
    if part ~= "" then out[#out + 1] = { text = part, optional = optional } end
    part, optional = "", brackets > 0
  end
  for c in inside:gmatch(".") do
    if c == "{" or c == "(" then braces = braces + 1 elseif c == "}" or c == ")" then braces = braces - 1 end
    if braces == 0 and c == "[" then
      brackets = brackets + 1
      if part:match("^%s*$") then optional = true end
    elseif braces == 0 and c == "]" then
      brackets = brackets - 1
    elseif braces == 0 and c == "," then
      if brackets > 0 and part:match("^%s*$") then optional = true else flush() end
    else
      part = part .. c
    end
  end
  flush()
  return out
end

local function literal_type(v)
  if v == nil or v == "" then return "any" end
  if v == "true" or v == "false" then return "boolean" end
  if v:match("^[\"']") then return "string" end
  if v:match("^{") then return "table" end
  return tonumber(v) and "number" or "any"
end

-- "{keepdim = false, dtype}" as a table type.
local function option_type(s)
  local out = {}
  for _, part in ipairs(arguments(s:sub(2, -2))) do
    local name, value = part.text:match("^([%w_]+)%s*=?%s*(.*)$")
    if not name then return "table" end
    out[#out + 1] = name .. "?: " .. (value == "" and by_name[name] or literal_type(value))
  end
  return "{ " .. table.concat(out, ", ") .. " }"
end

local function parameter_type(s)
  if by_name[s] then return by_name[s] end
  if s:find("|", 1, true) and not s:match("^%b{}$") then
    local out = {}
    for alternative in s:gmatch("[^|]+") do out[#out + 1] = parameter_type(alternative:match("^%s*(.-)%s*$")) end
    return table.concat(out, "|")
  end
  return s:match("^{") and option_type(s) or "any"
end

-- Parameters and results of a call: { { name, type, optional } }, varargs type, { { type, name } }.
local function signature(call)
  local name, inside, results = call:match("^([%w_.:]+)%s*(%b())%s*%-?>?%s*(.*)$")
  if not name then name, inside, results = call:match("^([%w_.:]+)%s*(%b{})%s*%-?>?%s*(.*)$") end
  if not name then return { { "...", "any" } }, {} end
  local list, used, rest = {}, {}, nil
  local parts = inside:sub(1, 1) == "{" and { { text = inside } } or arguments(inside:sub(2, -2))
  for _, part in ipairs(parts) do
    local s = part.text:match("^([%w_]+)%s*=") or part.text
    if s:match("%.%.%.$") then
      rest = s == "..." and "any" or parameter_type(s:sub(1, -4)) .. "|integer[]"
    elseif rest then
      rest = rest .. "|" .. parameter_type(s)
    else
      local first = s:match("^[%a_][%w_]*") or (by_name[s] and s:match("[%w_]+")) or "options"
      if first == "function" or first == "end" then first = "f" end
      while used[first] do first = first .. "2" end
      used[first] = true
      list[#list + 1] = { first, parameter_type(s), part.optional }
    end
  end
  if rest then list[#list + 1] = { "...", rest } end
  local returned = {}
  for s in results:gmatch("[^,]+") do
    s = s:match("^%s*(.-)%s*$")
    if s:find("|", 1, true) then
      local out = {}
      for alternative in s:gmatch("[^|]+") do
        alternative = alternative:match("^%s*(.-)%s*$")
        out[#out + 1] = by_result[alternative] or "any"
      end
      returned[#returned + 1] = { table.concat(out, "|") }
    else
      -- Whatever else has a name is a tensor: w, v of eigh.
      local name = s:match("^[%a_][%w_]*$")
      returned[#returned + 1] = { by_result[s] or (name and tensor) or (s:match("^%w* ?tensor") and tensor) or "any", not by_result[s] and name or nil }
    end
  end
  return list, returned
end

local function comment(out, entry)
  for _, call in ipairs(entry.calls) do out[#out + 1] = "--- `" .. call .. "`" end
  for _, paragraph in ipairs(entry.about) do
    out[#out + 1] = "---"
    for line in (text.wrap(paragraph, 150) .. "\n"):gmatch("(.-)\n") do out[#out + 1] = "--- " .. line end
  end
  if entry.formula then out[#out + 1] = "---"; out[#out + 1] = "--- Formula: `" .. entry.formula .. "`" end
end

local function names_of(list)
  local out = {}
  for i, parameter in ipairs(list) do out[i] = parameter[1] end
  return table.concat(out, ", ")
end

local function overload(list, returned)
  local parameters, results = {}, {}
  for i, p in ipairs(list) do parameters[i] = p[1] .. (p[3] and "?" or "") .. ": " .. p[2] end
  for i, r in ipairs(returned) do results[i] = r[1] end
  return ("---@overload fun(%s)%s"):format(table.concat(parameters, ", "), #results > 0 and ": " .. table.concat(results, ", ") or "")
end

local function declare(out, entry, name, drop_first)
  comment(out, entry)
  local list, returned
  for i = #entry.calls, 1, -1 do
    list, returned = signature(entry.calls[i])
    if drop_first then table.remove(list, 1) end
    if i > 1 then out[#out + 1] = overload(list, returned) end
  end
  for _, p in ipairs(list) do out[#out + 1] = ("---@param %s%s %s"):format(p[1], p[3] and p[1] ~= "..." and "?" or "", p[2]) end
  for _, r in ipairs(returned) do out[#out + 1] = "---@return " .. r[1] .. (r[2] and " " .. r[2] or "") end
  out[#out + 1] = ("function %s(%s) end\n"):format(name, names_of(list))
end

local field_types = {
  number = "number", integer = "integer", string = "string", boolean = "boolean", ["function"] = "function", table = "table",
  numbers = "number[]", integers = "integer[]", any = "any", ["number | schedule"] = "number|thalweg.Schedule",
}

local function field_type(field, spaces)
  local t = field_types[field.type] or "any"
  if field.choices then
    local out = {}
    for i, choice in ipairs(field.choices) do out[i] = ("%q"):format(choice) end
    t = table.concat(out, "|")
  end
  return spaces and t ~= "any" and t .. "|thalweg.Space" or t
end

-- The option table of a constructor as a class of its own: an editor shows each option's sentence.
local function option_class(out, entry)
  local name = entry.path:gsub("^tw", "thalweg.options")
  out[#out + 1] = "---@class " .. name
  for _, field in ipairs(entry.fields) do
    local optional = (field.default ~= nil or field.optional) and "?" or ""
    if field.positional then
      out[#out + 1] = ("---@field [integer] integer|thalweg.Space %s"):format(field.about)
    else
      out[#out + 1] = ("---@field %s%s %s %s"):format(field.name, optional, field_type(field, entry.spaces), field.about)
    end
  end
  out[#out + 1] = ""
  return name
end

local function all_optional(fields)
  for _, field in ipairs(fields) do
    if field.default == nil and not field.optional then return false end
  end
  return true
end

local function declare_lua(out, entry, name)
  local class = entry.fields and #entry.fields > 0 and option_class(out, entry)
  comment(out, entry)
  if entry.kind then
    out[#out + 1] = ("---@overload fun(options?: %s): thalweg.Recipe"):format(class)
    out[#out + 1] = "---@param params any"
    out[#out + 1] = ("---@param options? %s"):format(class)
    out[#out + 1] = "---@return thalweg.Optimizer"
    out[#out + 1] = ("function %s(params, options) end\n"):format(name)
    return
  end
  local returns
  if entry.signature then
    returns = entry.signature:match(":%s*([%w_.]+)$")
    if class then
      out[#out + 1] = ("---@param o%s %s"):format(all_optional(entry.fields) and "?" or "", class)
      if returns then out[#out + 1] = "---@return " .. returns end
      out[#out + 1] = ("function %s(o) end\n"):format(name)
    else
      out[#out + 1] = "---@type " .. entry.signature
      out[#out + 1] = ("%s = nil\n"):format((name:gsub(":", ".")))
    end
    return
  end
  local parameters = {}
  for _, line in ipairs(entry.annotations) do
    local parameter, optional = line:match("^%-%-%-@param%s+([%w_.]+)(%??)")
    if parameter then
      parameters[#parameters + 1] = parameter
      if class and (parameter == "o" or (parameter == "given" and #entry.fields > 0)) then line = ("---@param %s%s %s"):format(parameter, optional, class) end
    end
    if not line:match("^%-%-%-@class") then out[#out + 1] = line end
  end
  local list = entry.parameters or table.concat(parameters, ", ")
  if entry.parameters == nil and #parameters == 0 and class then
    out[#out + 1] = ("---@param o? %s"):format(class)
    list = "o"
  end
  out[#out + 1] = ("function %s(%s) end\n"):format(name, list)
end

local header = [[
---@meta thalweg
-- Types for editors with the Lua language server, made by `thalweg lua docs/make_reference.lua`. In .luarc.json: { "workspace.library": ["<this folder>"] }

---@alias thalweg.Dtype "f64"|"f32"|"i64"|"bool"

---@class thalweg.Tensor
---@field shape integer[] sizes of the axes
---@field ndim integer number of axes
---@field size integer number of elements
---@field dtype thalweg.Dtype
---@field [integer|table|thalweg.Tensor] thalweg.Tensor
%s
---@operator len: integer
local Tensor = {}

---@class thalweg.Generator
local Generator = {}
]]

-- The operators that tensors have.
local function operators()
  local meta, out = debug.getmetatable(tw.zeros(1)), {}
  for name in ("add sub mul div mod pow idiv band bor bxor unm bnot"):gmatch("%a+") do
    local one = name == "unm" or name == "bnot"
    if meta["__" .. name] then out[#out + 1] = ("---@operator %s%s: thalweg.Tensor"):format(name, one and "" or "(thalweg.Tensor|number)") end
  end
  return table.concat(out, "\n")
end

local class_variables = { optimizer = "Optimizer", run = "Run", schedule = "Schedule", stepper = "Stepper", problem = "Problem", sweep = "Sweep",
  recorded = "Recorded" }

-- Fields of the library's own.
local inner = { items = true, parts = true, count = true, make = true, columns = true, rebuild = true, at = true, path = true, source = true, code_hash = true }

-- The classes that the sources annotate, those that the editor's user meets.
local function classes(out, root)
  local files = { "described.lua", "space.lua", "schedule/class.lua", "optim/init.lua", "optim/optimizer.lua", "problems/problem.lua", "nn/model.lua",
    "data/csv.lua", "experiment.lua", "runner/object.lua", "sweep/view.lua", "sweep/recorded.lua" }
  for _, file in ipairs(files) do
    for _, class in ipairs(source.classes(root .. "/lua/thalweg/" .. file)) do
      for _, line in ipairs(class.lines) do
        if not inner[line:match("^%-%-%-@field%s+([%w_]+)")] then out[#out + 1] = line end
      end
      local short = class.name:match("%.(%w+)$")
      for _, variable in next, class_variables do
        if variable == short then out[#out + 1] = ("local %s = {}"):format(short) end
      end
      out[#out + 1] = ""
    end
  end
end

---@param topics table as collect.topics gives them
---@param modules table<string, table> as collect.modules gives them
---@param root string
---@return string
function types.file(topics, modules, root)
  local out = { (header:gsub("%%s", operators)) }
  classes(out, root)
  local paths = {}
  for path in next, modules do paths[#paths + 1] = path end
  table.sort(paths)
  for _, path in ipairs(paths) do
    out[#out + 1] = "---@class thalweg." .. (path == "tw" and "Module" or "module." .. path:match("%.(.*)$"))
    out[#out + 1] = (path == "tw" and "local tw" or path) .. " = {}\n"
  end
  for _, topic in ipairs(topics) do
    for _, entry in ipairs(topic.entries) do
      if not entry.topic then
        if entry.owner == "generator" then
          declare(out, entry, "Generator:" .. entry.name)
        elseif entry.native then
          declare(out, entry, entry.path)
          if entry.method and entry.path:match("^tw%.[%w_]+$") then declare(out, entry, "Tensor:" .. entry.name, true) end
        elseif class_variables[entry.owner] then
          declare_lua(out, entry, class_variables[entry.owner] .. ":" .. entry.name)
        else
          declare_lua(out, entry, entry.path)
        end
      end
    end
  end
  out[#out + 1] = "---@type string\ntw.version = \"\"\n"
  out[#out + 1] = "return tw"
  return table.concat(out, "\n") .. "\n"
end

return types
