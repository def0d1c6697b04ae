-- builds: release
-- The layers of the house: who may include whom, and what only one layer may touch.
local test = require "spec"
local tree = require "style.tree"

-- A layer sees itself and what stands beside it here.
local sees = {
  base = "", tensor = "base", op = "base tensor", grad = "base tensor op", optim = "base tensor op",
  journal = "base", record = "base journal", run = "base journal",
  bind = "base tensor op grad optim journal record run",
}

local sources = {}   -- { path, layer, text, code } for every C file under src
for _, path in ipairs(tree.files("src")) do
  if path:match("%.[ch]$") or path:match("%.inc$") or path:match("%.def$") then
    local text = tree.read(path)
    sources[#sources + 1] = { path = path, layer = path:match("^src/(%w+)/"), text = text, code = tree.code(text) }
  end
end

-- Lines whose code matches one of the patterns, outside the layer that owns the matter.
local function only_in(owner, patterns, field, but)
  local findings = {}
  for _, source in ipairs(sources) do
    if source.layer ~= owner and source.path ~= but then
      for number, line in ipairs(tree.lines(source[field])) do
        for _, pattern in ipairs(patterns) do
          if line:find(pattern) then findings[#findings + 1] = source.path .. ":" .. number .. ": " .. line end
        end
      end
    end
  end
  tree.none(findings)
end

-- Patterns that find calls of the named functions.
local function calls(names)
  local patterns = {}
  for name in names:gmatch("%S+") do patterns[#patterns + 1] = "%f[%w_]" .. name .. "%s*%(" end
  return patterns
end

test("finds the sources it is to judge", function() test.ok(#sources > 5) end)

test("every folder of src is a known layer", function()
  local findings = {}
  for _, source in ipairs(sources) do
    if source.path ~= "src/main.c" and not sees[source.layer] then findings[#findings + 1] = source.path end
  end
  tree.none(findings)
end)

test("includes point downwards: base <- tensor <- op <- grad, optim; base <- journal <- record, run; all <- bind", function()
  local findings = {}
  for _, source in ipairs(sources) do
    local allowed = {}
    for layer in ((sees[source.layer] or "bind") .. " " .. (source.layer or "")):gmatch("%w+") do allowed[layer] = true end
    for number, line in ipairs(tree.lines(source.text)) do
      local header = line:match('^%s*#%s*include%s*"([^"]+)"')
      local layer = header and header:match("^(%w+)/")
      if header and not allowed[layer or source.layer] then findings[#findings + 1] = source.path .. ":" .. number .. ": includes " .. header end
      if header and not layer then findings[#findings + 1] = source.path .. ":" .. number .. ": an include names its layer: " .. header end
    end
  end
  tree.none(findings)
end)

test("hdf5 headers are included in src/record alone", function() only_in("record", { "#%s*include%s*<hdf5", "#%s*include%s*<H5" }, "text") end)
test("lua headers are included in src/bind alone", function()
  only_in("bind", { "#%s*include%s*<lua", "#%s*include%s*<lauxlib", "#%s*include%s*<lualib" }, "text")
end)
test("processes are made in src/run alone", function()
  only_in("run", calls("fork vfork clone3 posix_spawn posix_spawnp popen system pthread_create"), "code")
end)
test("memory comes from base/alloc.h, but for Lua's own", function()
  only_in("base", calls("malloc calloc realloc aligned_alloc posix_memalign strdup strndup"), "code", "src/bind/lua_memory.c")
end)
test("LAPACK is known to the linear algebra of src/op alone", function()
  local findings = {}
  for _, source in ipairs(sources) do
    for number, line in ipairs(tree.lines(source.text)) do
      local reaches = line:find('#%s*include%s*"op/lapack') or line:find('#%s*include%s*"op/linalg_parts') or line:find("%f[%w_]dlopen%s*%(")
      if reaches and not source.path:match("^src/op/linalg_") and not source.path:match("^src/op/lapack%.") then
        findings[#findings + 1] = source.path .. ":" .. number .. ": " .. line
      end
    end
  end
  tree.none(findings)
end)
test("what lies below the runner neither prints nor exits", function()
  local silent, findings = { base = true, tensor = true, op = true, grad = true, optim = true, journal = true, record = true }, {}
  local patterns = calls("printf fprintf vprintf puts putchar fputs perror exit _exit abort longjmp")
  for _, source in ipairs(sources) do
    for number, line in ipairs(silent[source.layer] and tree.lines(source.code) or {}) do
      for _, pattern in ipairs(patterns) do
        if line:find(pattern) then findings[#findings + 1] = source.path .. ":" .. number .. ": " .. line end
      end
    end
  end
  tree.none(findings)
end)

test("the tensor layer names no operation", function()
  local operations, findings = {}, {}
  for _, path in ipairs(tree.files("src/op")) do
    if path:match("%.def$") then
      for name in ("\n" .. tree.code(tree.read(path))):gmatch("\n%s*[A-Z_0-9]+%s*%(%s*([%l][%w_]*)%s*,") do operations[name] = true end
    elseif path:match("%.c$") then
      for name in tree.read(path):gmatch("tw_op_([%w_]+)") do operations[name] = true end
    end
  end
  for _, source in ipairs(sources) do
    if source.layer == "tensor" then
      for number, line in ipairs(tree.lines(source.code)) do
        for name in line:gmatch("tw_op_([%w_]+)") do findings[#findings + 1] = source.path .. ":" .. number .. ": tw_op_" .. name end
        for name in line:gmatch("%f[%w_]tw_(%l[%w_]*)%s*%(") do
          if operations[name] then findings[#findings + 1] = source.path .. ":" .. number .. ": tw_" .. name end
        end
      end
    end
  end
  tree.none(findings)
end)

test.close()
