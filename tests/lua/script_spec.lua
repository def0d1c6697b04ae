-- Loading scripts: every kind of bad input is told with its place; bytecode and the linter.
local bytecode = require "thalweg.bytecode"
local script = require "thalweg.script"
local test = require "spec"

local folder = os.tmpname()
os.remove(folder)
os.execute("mkdir " .. folder)

local function write(name, text)
  local path = folder .. "/" .. name
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
  return path
end

local head = 'local tw = require "thalweg"\n'
local tail = '\nreturn tw.experiment { name = "x", run = run }\n'

local function refuse(text, wrong, note)
  local ok, e = pcall(script.load, write("bad.lua", text))
  test.ok(not ok, "expected an error with " .. wrong)
  test.eq(type(e), "table", note or tostring(e))
  test.eq(e.status, 2)
  test.ok(e.message:find(wrong, 1, true), string.format("expected %q in %q", wrong, e.message))
  return e.message
end

test("a good script gives an experiment with its path, source and hash", function()
  local text = "#!/usr/bin/env thalweg\n" .. head .. "local function run() end" .. tail
  local path = write("good.lua", text)
  local e = script.load(path)
  test.eq(e.name, "x")
  test.eq(e.path, path)
  test.eq(e.source, text)
  test.ok(e.code_hash:match("^%x+$") and #e.code_hash == 64)
end)

test("the code of a function among the parameters counts, and two of one name are refused", function()
  local function with(a, b)
    return head .. 'local run = function() end return tw.experiment { name = "x", run = run, params = { lr = tw.space.choice { 0.1 * tw.schedule.func("a", ' ..
      "function(t) return " .. a .. ' end), tw.schedule.func("b", function(t) return ' .. b .. " end) } } }"
  end
  local function hash(text) return script.load(write("func.lua", text)).code_hash end
  test.eq(hash(with("t", "2")), hash(with("t", "2")))
  test.ok(hash(with("t", "2")) ~= hash(with("t", "3")))
  refuse((with("t", "2"):gsub('"b"', '"a"')), "bad.lua: two functions have one name: name is a; a function is known by its name")
  refuse(with("tw.schedule.step{ size = 3 }(t)", "tw.exq(t)"), "bad.lua:2: unknown name: tw.exq")
end)

test("a missing file is told", function()
  local ok, e = pcall(script.load, folder .. "/none.lua")
  test.ok(not ok)
  test.eq(e.message, folder .. "/none.lua: cannot open the script: No such file or directory")
end)

test("a syntax error has its line, #! or not", function()
  refuse(head .. "\nlocal x = = 1", "bad.lua:3: unexpected symbol near '='")
  refuse("#!/usr/bin/env thalweg\nlocal x = = 1", "bad.lua:2: unexpected symbol")
end)

test("a script that returns nothing, or something else, is told what to return", function()
  refuse(head, "bad.lua: the script returns nothing; it must end with: return tw.experiment { ... }")
  refuse("return 3", "bad.lua: the script returns a number")
  refuse("return { name = 'x' }", "bad.lua: the script returns a table")
end)

test("an undeclared global is found before anything runs, wherever it hides", function()
  refuse("error('ran')\nlocal function f()\n  return function() return lrate end\nend", "bad.lua:3: undeclared global: lrate; declare it with local")
  refuse("local x = 1\nif x then count = x end", "bad.lua:2: assignment to a global: count")
  refuse("local a = 1\nprint(a)\npirnt(a)", "bad.lua:3: undeclared global: pirnt; declare it with local, or did you mean print?")
end)

test("a local _ENV and fields of the same name are no globals", function()
  local path = write("good.lua", head .. [[
    local t = { undeclared = 1 }
    local function run() return t.undeclared end
    local function with() local _ENV = { anything = 1 }; return anything end
    with()]] .. tail)
  test.eq(script.load(path).name, "x")
end)

test("an unknown name of the library is found before a run starts", function()
  refuse(head .. "local function run()\n  return tw.spcae.log(1, 2, 3)\nend" .. tail, "bad.lua:3: unknown name: tw.spcae; did you mean space?")
  refuse(head .. "local function run() return tw.nn.mpl { 1 } end" .. tail, "bad.lua:2: unknown name: tw.nn.mpl; did you mean mlp?")
  refuse(head .. "local nn = tw.nn\nlocal function helper()\n\n  return nn.lineer end\nlocal function run() return helper() end" .. tail,
    "bad.lua:5: unknown name: tw.nn.lineer; did you mean linear?")
  refuse(head .. "local function run() return function() return tw.schedule.exponentail end end" .. tail,
    "bad.lua:2: unknown name: tw.schedule.exponentail; did you mean exponential?")
  refuse(head .. "local x = tw.nothing_like_it", "bad.lua:2: unknown name: tw.nothing_like_it; docs/reference.md lists all ")
end)

test("a parameter that no configuration has is found before a run starts, and what asks for one or sets one is let be", function()
  local function with(body)
    return head .. 'local function helper(q) return q.only_elsewhere end\n'
      .. 'return tw.experiment { name = "x", params = { lr = 1, tw.space.zip { depth = { 1, 2 } },\n'
      .. "  opt = tw.space.choice { tw.optim.sgd { momentum = 0.5 }, \"none\" } }, run = function(run)\n" .. body .. "\nend }\n"
  end
  local message = refuse(with "local p = run.params\nrun:log { loss = p.lerning_rate }",
    "run.params: no parameter has this name: name is lerning_rate; valid: ")
  test.ok(message:find("bad.lua:6:", 1, true), message)
  refuse(with "local f = function() return 2 * run.params.momentun end f()", "name is momentun")
  script.load(write("good.lua", with [[
    local p = run.params
    local rate, more = p.lr * p.depth, p.rate or 1
    if p.warmup then rate = 0 end
    if p.cool == nil and not p.hot then p.own = 2 end
    for _, p in ipairs { { w = 1 } } do rate = rate + p.w + helper(run.params) end
    local opt = { params = { w = 3 } }
    local z = p.momentum and p.momentum * 2 or 0
    if p.ema then local e = p.ema rate = rate * e end
    if p.beta ~= nil then rate = rate * p.beta end
    local function default(v, d) if v == nil then return d end return v end
    rate = default(p.delta, 0.9)
    return rate + p.own + opt.params.w + p.opt.options.momentum + more + z]]))
  script.load(write("filled.lua", with [[
    local p = run.params
    for k, v in pairs { eta = 1 } do if p[k] == nil then p[k] = v end end
    return p.eta]]))
  script.load(write("backed.lua", with [[
    local p = setmetatable(run.params, { __index = { eta = 1 } })
    return p.eta + run.params.eta]]))
  script.load(write("builtin.lua", head .. 'return tw.experiment { name = "x", run = print }\n'))
  write("common.lua", "return { run = function(run) return run.params.wall end }")
  script.load(write("shared.lua", head .. 'return tw.experiment { name = "x", params = { lr = 1 }, run = require("common").run }\n'))
end)

test("a comparison of tensors as a condition is refused: Lua takes it as true", function()
  for _, body in ipairs {
    "if x:lt(1) then return end", "while tw.gt(x, 1) do x = x - 1 end", "repeat x = x - 1 until x:le(0)", "if x:sum():ge(2) then x = 1 end",
  } do
    local text = head .. 'return tw.experiment { name = "x", run = function(run)\nlocal x = tw.tensor(3)\n' .. body .. "\nend }"
    local message = refuse(text, "a comparison of tensors gives a tensor")
    test.ok(message:find("bad.lua:4:", 1, true), message)
  end
  script.load(write("good.lua", head .. [[return tw.experiment { name = "x", run = function(run)
    local x, opt = tw.tensor(3), run.opt
    if x:lt(1):item() or x:item() < 1 then x = 1 end
    repeat x = tw.where(x:lt(1), x, x - 1) until opt:info().stopped
    local list = { lt = function() return false end }
    if list.lt() then x = 2 end
    local mask
    if opt then mask = x:gt(0) end
    if mask then x = tw.where(mask, 0, x) end
    mask = opt and x:gt(0) or x:ge(1)
    run:stop_if(x:lt(1))
  end }]]))
  local many = {} -- the name of a method beyond the constants that an instruction can name
  for i = 1, 300 do many[i] = ('"c%d"'):format(i) end
  script.load(write("many.lua", head .. [[
  return tw.experiment { name = "x", run = function(run)
    local first = { "a", "b", "c", "lt", "le", "gt", "ge" } -- among them what the register of the name would stand for
    local list = { ]] .. table.concat(many, ", ") .. [[ }
    if first:other(list) then run:log { loss = 1 } end
  end }]]))
  script.load(write("own.lua", head .. [[
  local Version = {} Version.__index = Version
  function Version:lt(o) return self.n < o.n end
  return tw.experiment { name = "x", run = function(run)
    local v = setmetatable({ n = 1 }, Version)
    if v:lt(setmetatable({ n = 2 }, Version)) then run:log { loss = 1 } end
  end }]]))
end)

test("an error inside the library has the line of the script that called it", function()
  local tw = require "thalweg"
  local before = [[
local tw = ...
local model = tw.nn.mlp { 3, 4, 2 }
local p = model:init(tw.rng(1))
local opt = tw.optim.sgd(p, { lr = 0.1 })
local function loss(q, x) return model(q, x):sum() end
]]
  for code, wants in next, {
    ["model(p, tw.ones(5, 2))"] = "linear: inner sizes differ",
    ["opt:step(loss, tw.ones(5, 2))"] = "mine.lua:5: linear: inner sizes differ",
    ["opt:step(function(q) return model(q, tw.ones(4, 3)) end)"] = "grad: the loss must be a single number",
    ["opt:step(loss(p, tw.ones(4, 3)))"] = "sgd: step needs the function to be minimised, opt:step(function(params) ... return loss end), got a tensor",
    ["opt:step(function() end)"] = "sgd: the function returned nothing",
    ["tw.hessian(function(x) return x end)(3)"] = "a tensor or a plain (nested) table of tensors is needed, got number",
    ["tw.optim.adam(model, { lr = 1 })"] = "adam: a tensor or a plain (nested) table of tensors is needed, got thalweg.model",
    ["opt.lr = 0.2"] = "sgd: it cannot be changed: field is lr",
    ["tw.grad(tw.custom { forward = function(x) return x:sum() end, vjp = function(g) return g * tw.zeros(4) end })(tw.ones(2))"] =
      "mine.lua:6: custom: result 1 of vjp is f64[4]",
  } do
    local ok, message = pcall(assert(load(before .. code, "@mine.lua")), tw)
    test.ok(not ok and message:find(wants, 1, true) and message:find("^mine.lua:[56]: "), code .. ": " .. tostring(message))
    test.ok(not message:find("mine.lua.*mine.lua"), message)
  end
end)

test("a shadowed tw is not the library", function()
  local path = write("good.lua", head .. "local function run() local tw = { foo = 1 }; return function() return tw.foo end end" .. tail)
  test.eq(script.load(path).name, "x")
end)

test("an unknown option has the script's line and the valid ones", function()
  refuse(head .. 'return tw.experiment {\n  name = "x", repeat_ = 3,\n  run = print }',
    "bad.lua:2: experiment: unknown option: repeat_ is 3; did you mean repeats?")
  refuse(head .. "local s = tw.schedule.cosine{ step = 3 }", "bad.lua:2: cosine: unknown option: step is 3; did you mean steps? valid: steps, min")
end)

test("an error while the script is read has its place", function()
  refuse(head .. "local t = nil\nlocal x = t.field", "bad.lua:3: attempt to index a nil value (local 't')")
  refuse("error({ code = 1 })", "bad.lua: error: table")
end)

test("require finds project files beside the script, strict like it", function()
  write("helper.lua", "local m = {}\nfunction m.twice(x) return 2 * x end\nreturn m")
  local path = write("good.lua", head .. 'local helper = require "helper"\nlocal function run() return helper.twice(4) end' .. tail)
  test.eq(script.load(path).run(), 8)
  write("helper.lua", "local m = {}\nwrong = 1\nreturn m")
  local ok, e = pcall(script.load, path)
  test.ok(not ok and e.message:find("helper.lua:2: assignment to a global: wrong", 1, true), tostring(e))
  refuse(head .. 'local m = require "no.such.module"', "module 'no.such.module' not found")
end)

test("a plain script can be opened with further globals", function()
  local opened = script.open(write("plain.lua", "return arg[1]"), { arg = { "hello" } })
  test.eq(opened.chunk(), "hello")
end)

test("lines of instructions are right over long jumps of lines and many instructions", function()
  local parts = { "local t = {}\n" }
  for i = 1, 400 do parts[#parts + 1] = "t[" .. i .. "] = " .. i .. " * #t\n" end
  parts[#parts + 1] = ("\n"):rep(500) .. "here = 1\n" .. ("t.x = 1 t.y = 2 "):rep(200) .. "\nthere = 2"
  local lines = {}
  bytecode.accesses(bytecode.of(assert(load(table.concat(parts), "@x"))), function(kind, _, name, line) lines[name] = kind .. line end)
  test.eq(lines, { here = "set902", there = "set904" })
end)

os.execute("rm -r " .. folder)
test.close()
