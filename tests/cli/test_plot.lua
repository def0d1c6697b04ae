-- thalweg plot: what stands in the script is what was recorded, the pictures are what their names say, and no text gets out of its quotes.
local record = require "thalweg.record"
local shell = require "cli.shell"
local test = require "spec"

local has_gnuplot = select(2, shell.sh("command -v gnuplot")) ~= ""

local function drawing(name, f)
  if has_gnuplot then test(name, f) else test.skip(name, "gnuplot is not installed") end
end

local function expect(status, arguments)
  local got, out, err = shell.run(arguments)
  if got ~= status then error(("thalweg %s: expected exit status %d, got %d\n%s%s"):format(arguments, status, got, out, err), 2) end
  return out, err
end

local function has(text, part) test.ok(text:find(part, 1, true), ("%q is not in:\n%s"):format(part, text)) end

-- The data of a script: name -> rows of numbers; and for each plotted name its drawing and its legend.
local function parsed(script)
  local blocks, plots = {}, {}
  for name, body in script:gmatch("(%$[%w_]+) << EOD\n(.-)EOD\n") do
    local rows = {}
    for line in body:gmatch("([^\n]*)\n") do
      local row = {}
      for word in line:gmatch("%S+") do row[#row + 1] = tonumber(word) or error("no number: " .. word) end
      if #row > 0 then rows[#rows + 1] = row end
    end
    blocks[name] = rows
  end
  for name, rest in script:gmatch("(%$[%w_]+) (using [^\n]*)") do
    plots[#plots + 1] = { name = name, rows = blocks[name], kind = rest:match(" with (%w+)"), title = rest:match(' title "(.-)"') }
  end
  return plots, blocks
end

local function of_kind(plots, kind)
  local out = {}
  for _, plot in ipairs(plots) do
    if plot.kind:find(kind) then out[#out + 1] = plot end
  end
  return out
end

local function png_size(name)
  local text = shell.read(name)
  test.eq(text:sub(1, 8), "\137PNG\r\n\26\n", "the signature of a PNG")
  local width, height = (">I4I4"):unpack(text, 17)
  return { width, height }
end

-- gradient descent on a quadratic: lr = 0.1 and 0.5 converge, 2.5 runs away until it is not finite
shell.write("quad.lua", [[
local tw = require "thalweg"
return tw.experiment {
  name = "quad", about = "descent on a parabola", units = { loss = "J", lr = "1/J" },
  params = { lr = tw.space.choice { 0.1, 0.5, 2.5 }, kind = tw.space.choice { "a", "b" } },
  repeats = 3,
  run = function(run)
    local p, x = run.params, 1 + run.seed % 1000 / 1000
    for t = 1, 2000 do
      run:log { loss = 0.5 * x * x / 3, x = tw.tensor { x, 2 * x } }
      if t % 100 == 0 then run:log("eval", { accuracy = 1 / t }) end
      x = x - p.lr * x * (p.kind == "a" and 1 or 0.9)
      if t == 40 and p.lr < 1 then return end
    end
  end,
}
]])
expect(0, "run quad.lua --quiet")
local sweep = assert(record.load(shell.path("runs/quad.h5")))

local function runs_with(lr, kind)
  local out = {}
  for i = 1, #sweep do
    local v = sweep:row(i).values
    if v.lr == lr and v.kind == kind then out[#out + 1] = i end
  end
  return out
end

test("the data of a curve of one run are the recorded values, bit for bit", function()
  local plots = parsed(expect(0, "plot runs/quad.h5 --print-script --where \"lr==0.1 and kind=='a' and repeat==2\" -o x.png"))
  test.eq(#plots, 1)
  local values, steps = sweep:trace("loss", runs_with(0.1, "a")[2])
  test.eq(#values, 40)
  for i, row in ipairs(plots[1].rows) do test.eq(row, { steps[i], values[i] }) end
  test.eq(#plots[1].rows, #values)
end)

test("the line over three runs is their median, the band goes from the smallest to the largest", function()
  local plots = parsed(expect(0, "plot runs/quad.h5 loss --print-script --where \"lr==0.1 and kind=='a'\" -o x.png"))
  local band, line = of_kind(plots, "filledcurves")[1].rows, of_kind(plots, "lines")[1].rows
  local traces = {}
  for k, i in ipairs(runs_with(0.1, "a")) do traces[k] = sweep:trace("loss", i) end
  for t = 1, 40 do
    local three = { traces[1][t], traces[2][t], traces[3][t] }
    table.sort(three)
    test.eq(line[t], { t - 1, three[2] })
    test.eq(band[t][1], t - 1)
    test.eq({ band[t][2], band[t][3] }, { three[1], three[3] })
  end
end)

test("values that are not finite are nowhere in a script, and diverged runs are marked at the top edge", function()
  for _, how in ipairs { "", "--by lr", "--x lr", "--x lr --by kind", "--kind hist --by lr", "--log xy", "--by lr --log none" } do
    local script = expect(0, "plot runs/quad.h5 --print-script -o x.png " .. how)
    parsed(script)
    test.ok(not script:find("%f[%a]inf%f[%A]") and not script:find("%f[%a]nan%f[%A]"), how)
  end
  local script = expect(0, "plot runs/quad.h5 --x lr --print-script -o x.png")
  has(script, "crosses at the top edge: diverged (6 runs)")
  local top = tonumber(script:match("set yrange %[[^:]*:([^%]]*)%]"))
  local crosses = 0
  for _, plot in ipairs((parsed(script))) do
    for _, row in ipairs(plot.rows) do
      if #row == 2 and row[2] == top then crosses = crosses + 1 end
    end
  end
  test.eq(crosses, 2, "one per kind at lr = 2.5")
end)

test("a loss that runs away leaves the picture at the top, an accuracy that grows does not", function()
  local function top(metric) return tonumber(expect(0, "plot runs/grow.h5 --print-script -o x.png " .. metric):match("set yrange %[[^:]*:([^%]]*)%]")) end
  shell.write("grow.lua", [[
local tw = require "thalweg"
return tw.experiment {
  name = "grow", params = { lr = tw.space.choice { 1, 2 } },
  run = function(run)
    for t = 0, 30 do run:log { loss = run.params.lr == 1 and 1 or 3.0 ^ t, accuracy = 0.01 + 0.03 * t, lr = 1e-4 * t } end
  end,
}
]])
  expect(0, "run grow.lua --quiet")
  test.eq(top("loss"), 100)
  test.ok(top("accuracy") > 0.91)
  test.ok(top("lr") > 3e-3)
end)

test("against a parameter stand every run's value and the line through the medians", function()
  local plots = parsed(expect(0, "plot runs/quad.h5 --x lr --by kind --at min --where 'lr<1' --print-script -o x.png"))
  local points, lines = {}, {}
  for _, plot in ipairs(plots) do
    local into = plot.kind == "points" and points or lines
    into[#into + 1] = plot
  end
  test.eq({ lines[1].title, lines[2].title }, { "a", "b" })
  local least = sweep:min("loss")
  for g, kind in ipairs { "a", "b" } do
    test.eq(#points[g].rows, 6)
    for k, lr in ipairs { 0.1, 0.5 } do
      local three = {}
      for _, i in ipairs(runs_with(lr, kind)) do three[#three + 1] = least[i] end
      table.sort(three)
      test.eq(lines[g].rows[k], { lr, three[2] })
    end
  end
  local at = parsed(expect(0, "plot runs/quad.h5 --x lr --at 7 --where \"lr==0.1 and kind=='a' and repeat==1\" --print-script -o x.png"))
  test.eq(of_kind(at, "points")[1].rows, { { 0.1, (sweep:trace("loss", runs_with(0.1, "a")[1]))[8] } })
end)

test("a histogram counts every run once, and its normal curve has the same area", function()
  local plots = parsed(expect(0, "plot runs/quad.h5 --kind hist --where 'lr==0.1' --by lr --normal --log none --print-script -o x.png"))
  local boxes, curve = of_kind(plots, "boxes")[1].rows, of_kind(plots, "lines")[1].rows
  local count, area, under = 0, 0, 0
  for _, row in ipairs(boxes) do count, area = count + row[2], area + row[2] * row[3] end
  for i = 2, #curve do under = under + (curve[i][1] - curve[i - 1][1]) * (curve[i][2] + curve[i - 1][2]) / 2 end
  test.eq(count, 6)
  -- Drawn to 3.5 standard deviations: 5e-4 of the area lies beyond.
  test.near(under / area, 1, 6e-4)
end)

shell.write("bowl.lua", [[
local tw = require "thalweg"
return tw.experiment {
  name = "bowl", about = "a way down a bowl", units = { surface_f = "J" }, params = { lr = tw.space.choice { 0.05, 0.2 } },
  run = function(run)
    local xs, ys = tw.linspace(-2, 2, 41), tw.linspace(-1, 1, 31)
    run:log("surface", { f = xs:reshape(1, 41) ^ 2 + 4 * ys:reshape(31, 1) ^ 2, x = xs, y = ys })
    local x, y = 1.5, 0.75
    for _ = 1, 20 do
      run:log { loss = x * x + 4 * y * y, way = tw.tensor { x, y } }
      x, y = x - run.params.lr * 2 * x, y - run.params.lr * 4 * y
    end
  end,
}
]])
expect(0, "run bowl.lua --quiet")

test("contours lie where the logged surface has their level, ways are the recorded ones", function()
  local script = expect(0, "plot runs/bowl.h5 --kind surface --print-script -o x.png")
  local plots = parsed(script)
  local levels, n = {}, 0
  for _, row in ipairs(plots[1].rows) do
    -- Linear interpolation along an edge of length h errs by at most max|f''| h^2 / 8: 2 * 0.1^2 / 8 along x, 8 * (2/30)^2 / 8 along y.
    test.near(row[1] ^ 2 + 4 * row[2] ^ 2, row[3], 0.0045)
    if not levels[row[3]] then levels[row[3]], n = true, n + 1 end
  end
  test.ok(n >= 8, n .. " levels")
  local bowl = assert(record.load(shell.path("runs/bowl.h5")))
  local ways = of_kind(plots, "lines")
  test.eq(#ways, 3, "the contours and two ways")
  for k, i in ipairs { 2, 1 } do -- the better one first
    local points = bowl:trace("way", i)
    for t, p in ipairs(points) do test.eq(ways[k + 1].rows[t], { p[1], p[2] }) end
  end
  has(script, 'set cblabel "surface_f (J)"')
  has(script, 'set xlabel "way[1]"')
end)

test("a surface may be a function of a vector", function()
  local plots = parsed(expect(0, "plot --surface 'function(x) return x[1]^2 + x[2]^2 end' --domain=-1:1,-1:1 --print-script -o x.png"))
  for _, row in ipairs(plots[1].rows) do test.near(row[1] ^ 2 + row[2] ^ 2, row[3], 1e-4) end
end)

test("a schedule is drawn as it evaluates", function()
  local plots = parsed(expect(0, "plot schedule 'warmup(10, schedule.cosine{steps=100})' 'exponential{rate=space.choice{0.1,0.2}}' --steps 120 " ..
    "--print-script -o x.png"))
  local tw = require "thalweg"
  local s = tw.schedule.warmup(10, tw.schedule.cosine { steps = 100 })
  test.eq(#plots, 3)
  test.eq(plots[2].title, "exponential{rate=0.1}")
  test.eq(#plots[1].rows, 120)
  for t = 0, 119 do test.eq(plots[1].rows[t + 1], { t, s(t) }) end
end)

shell.write("decay.lua", [[
local tw = require "thalweg"
return tw.experiment {
  name = "decay",
  params = { s = tw.space.choice { tw.schedule.constant(), tw.schedule.exponential { rate = 0.1 } }, idle = tw.space.choice { 1, 2 } },
  run = function(run) for t = 0, 9 do run:log { loss = 1 / (t + run.params.idle), lr = run.params.s(t) } end end,
}
]])
expect(0, "run decay.lua --quiet")

test("a recorded schedule is one line per shape, without the parameters that do not change it", function()
  local plots = parsed(expect(0, "plot runs/decay.h5 --kind schedule --print-script -o x.png"))
  test.eq(#plots, 2)
  test.eq({ plots[1].title, plots[2].title }, { "constant{value=1}", "exponential{rate=0.1}" })
  test.eq(plots[1].rows[10], { 9, 1 })
end)

drawing("pictures have the format of their name and the size asked for", function()
  expect(0, "plot runs/quad.h5 -o small.png --size 640x400")
  test.eq(png_size("small.png"), { 640, 400 })
  for name, how in next, { param = "--x lr", hist = "--kind hist --normal", curves = "", two = "loss eval_accuracy" } do
    expect(0, ("plot runs/quad.h5 %s -o %s.png --where 'lr<1 or repeat<4'"):format(how, name))
    test.eq(png_size(name .. ".png")[1], 900, how)
  end
  expect(0, "plot runs/bowl.h5 --kind surface -o surface.png")
  test.eq(png_size("surface.png"), { 900, 600 })
  expect(0, "plot runs/quad.h5 -o x.pdf")
  test.eq(shell.read("x.pdf"):sub(1, 5), "%PDF-")
  test.ok(not shell.exists("x.pdf.part"))
end)

drawing("an SVG says axes with units, the title and the legend", function()
  expect(0, "plot runs/quad.h5 --x lr --by kind -o x.svg")
  local svg = shell.read("x.svg")
  for _, text in ipairs { "descent on a parabola", "lr (1/J)", "final loss (J)", "kind", "a", "b", "0.5" } do has(svg, "<text>" .. text .. "</text>") end
  expect(0, "plot runs/quad.h5 -o y.svg --where 'lr<1'")
  svg = shell.read("y.svg")
  for _, text in ipairs { "step", "loss (J)", "kind=a lr=0.5", "kind=b lr=0.1" } do has(svg, "<text>" .. text .. "</text>") end
end)

drawing("the terminal shows the metric, the steps and the legend within 80 columns", function()
  local status, out = shell.sh('unset COLUMNS; "$T" plot runs/quad.h5')
  test.eq(status, 0)
  for _, text in ipairs { "descent on a parabola", "loss (J)", "step", "kind=a lr=0.5" } do has(out, text) end
  test.ok(not out:find("\27", 1, true), "no colours where there is no terminal")
  for line in out:gmatch("[^\n]+") do test.ok(utf8.len(line) <= 80, line) end
  status, out = shell.sh('COLUMNS=120 "$T" plot runs/quad.h5')
  test.eq(status, 0)
  local widest = 0
  for line in out:gmatch("[^\n]+") do widest = math.max(widest, utf8.len(line)) end
  test.ok(widest > 100 and widest <= 120, widest .. " columns")
end)

shell.write("hostile.lua", [==[
local tw = require "thalweg"
return tw.experiment {
  name = "hostile", about = "it's \"quoted\" {a}_b^c @x `touch pwned` $(touch pwned) %d \\n \xff end", repeats = 2,
  params = { s = tw.space.choice { "it's {a}_b^c @x `touch pwned`", "\"x\" 100%d \\", "EOD\nquit", "'; system('touch pwned') #",
    "a''b'''; system('touch pwned')" } },
  units = { loss = "%s 'u' `touch pwned`" },
  run = function(run) for i = 1, 5 do run:log { loss = 1 / i + #run.params.s } end end,
}
]==])
expect(0, "run hostile.lua --quiet")

drawing("texts and names of files are texts, whatever they contain", function()
  for _, how in ipairs { "", "--x s", "--kind hist --by s", "--by s --log y", "--title '`touch pwned` %s {x}'" } do
    expect(0, "plot runs/hostile.h5 -o h.svg " .. how)
    if how == "" then
      local svg = shell.read("h.svg")
      has(svg, "loss (%s 'u' `touch pwned`)")
      has(svg, "it's {a}_b^c @x `touch pwned`")
      has(svg, "a''b'''; system('touch pwned')")
      has(svg, "$(touch pwned) %d \\n ? end")
    end
    expect(0, "plot runs/hostile.h5 " .. how)
    expect(0, "plot runs/hostile.h5 -o \"|h'q \\`x\\`\\$(touch pwned).png\" " .. how)
    png_size("|h'q `x`$(touch pwned).png")
  end
  test.ok(not shell.exists("pwned"), "nothing was executed")
end)

test("without gnuplot the message names the package", function()
  local status, out, err = shell.sh('PATH=/nonexistent; "$T" plot runs/quad.h5')
  test.eq({ status, out }, { 2, "" })
  has(err, "gnuplot is not installed")
  has(err, "gnuplot-nox")
  status = shell.sh('PATH=/nonexistent; "$T" plot runs/quad.h5 --print-script')
  test.eq(status, 0)
end)

test("a gnuplot that fails is reported and leaves the old picture alone", function()
  shell.sh("mkdir -p bin")
  shell.write("bin/gnuplot", "#!/bin/sh\necho half a picture\necho '\"x.gp\", line 7: undefined function: f' >&2\nexit 1\n")
  shell.write("old.png", "old")
  local status, _, err = shell.sh('chmod +x bin/gnuplot; PATH=$PWD/bin:$PATH "$T" plot runs/quad.h5 -o old.png')
  test.eq(status, 2)
  has(err, "gnuplot failed: line 7: undefined function: f")
  test.eq(shell.read("old.png"), "old")
  test.ok(not shell.exists("old.png.part"))
end)

-- The command must end with this status and one line with each of the texts.
local function refused(status, arguments, ...)
  local got, out, err = shell.run("plot " .. arguments)
  if got ~= status then error(("thalweg plot %s: expected exit status %d, got %d\n%s%s"):format(arguments, status, got, out, err), 2) end
  test.eq(select(2, err:gsub("\n", "")), 1, "one line: " .. err)
  for _, text in ipairs { ... } do has(err, text) end
end

test("what cannot be drawn is refused with what could be", function()
  refused(2, "", "name a file")
  refused(2, "none.h5", "none.h5: there is no such file")
  refused(2, "runs/quad.h5 lss", "unknown metric: lss", "did you mean loss?", "eval_accuracy")
  refused(2, "runs/quad.h5 x", "x has the shape [2]", "loss")
  refused(2, "runs/quad.h5 --kind pie", "--kind is pie", "curves, param, surface, hist, schedule")
  refused(2, "runs/quad.h5 --where 'lr<0'", "no run is selected: --where is lr<0", "lr 0.1, 0.5, 2.5", "kind a, b")
  refused(2, "runs/quad.h5 --where 'rl<1'", "--where: unknown parameter: rl", "did you mean lr?")
  refused(2, "runs/quad.h5 --x rate", "--x: unknown parameter: rate", "kind, lr")
  refused(2, "runs/quad.h5 --by rate", "--by: unknown parameter: rate")
  refused(2, "runs/quad.h5 --kind surface", "no run has logged a surface", "run:log(\"surface\"")
  refused(2, "runs/quad.h5 --surface 7 --trace x", "a function of a vector of two is needed")
  refused(2, "runs/quad.h5 --surface 'function(x) return x.y end' --trace x", "the function raises an error")
  refused(2, "runs/quad.h5 --kind schedule", "have not logged lr")
  refused(2, "runs/quad.h5 loss eval_accuracy --kind hist", "hist draws one metric", "loss, eval_accuracy")
  refused(2, "runs/quad.h5 -o x.jpg", "-o is x.jpg", ".png, .svg or .pdf")
  refused(2, "runs/quad.h5 --size big", "--size is big")
  refused(2, "runs/quad.h5 --at last", "--at is last", "final, min, max or a step")
  refused(2, "runs/quad.h5 --domain 1:0,0:1", "--domain is 1:0,0:1")
  refused(2, "schedule", "no schedule is given")
  refused(2, "schedule 'cosine{'", "the expression is wrong")
  refused(2, "schedule 'cosine{stps=1}'", "did you mean steps?")
  refused(2, "schedule '{}'", "a schedule is needed")
end)

drawing("a picture that cannot be written is a storage error", function()
  refused(3, "runs/quad.h5 -o /proc/nowhere/x.png", "cannot be written", "/proc/nowhere")
end)

test("draw checks its spec", function()
  local plot = require "thalweg.plot"
  local function message(spec)
    local ok, err = pcall(plot.script, spec)
    test.ok(not ok)
    return err.message
  end
  has(message { pth = "x" }, "unknown option: pth; did you mean path")
  has(message { kind = "pie", path = "x" }, "unknown kind: pie")
  local script = plot.script { path = shell.path("runs/quad.h5"), by = "kind", metric = { "loss" }, where = "lr<1", out = "x.png", title = "mine" }
  has(script, '"mine"')
  test.eq(#of_kind(parsed(script), "lines"), 2)
end)

test("a result of whole runs against a parameter, and as a histogram; curves say what to do", function()
  shell.write("scored.lua", [[
local tw = require "thalweg"
return tw.experiment { name = "scored", params = { lr = tw.space.choice { .1, .2, .3 } }, repeats = 2,
  run = function(run) run:log { loss = run.params.lr } run:result { score = 1 / run.params.lr + run.seed % 2 } end }]])
  expect(0, "run scored.lua --quiet")
  local points = {}
  for _, plot in ipairs((parsed(expect(0, "plot runs/scored.h5 score --x lr --print-script -o x.png")))) do
    for _, row in ipairs(plot.rows) do points[row[1]] = math.max(points[row[1]] or 0, row[2]) end
  end
  for _, lr in ipairs { .1, .2, .3 } do test.ok(points[lr] >= 1 / lr and points[lr] <= 1 / lr + 1, lr) end
  has(expect(0, "plot runs/scored.h5 score --kind hist --where 'lr==.1' --print-script -o x.png"), "score")
  local _, err = expect(2, "plot runs/scored.h5 score -o x.png")
  has(err, "score is a result, one number for each run: draw it against a parameter, --x NAME, or with --kind hist")
end)

test("a number inside a recipe on the axis: a line for each kind and for what else varies in it; marks stand where their runs are", function()
  shell.write("recipes.lua", [[
local tw = require "thalweg"
local rate = tw.space.choice { .01, .1, 1 }
return tw.experiment { name = "recipes", params = {
    opt = tw.space.choice { tw.optim.sgd { lr = rate }, tw.optim.sgd { lr = rate, momentum = 0.5 }, tw.optim.adam { lr = rate } } },
  run = function(run)
    local x = tw.tensor { 3, 4 }
    local opt = run.params.opt:new(x)
    for _ = 1, 30 do run:log { loss = opt:step(function(x) return (x * x):dot(x * x) end) } end
  end }]])
  local status, _, err = shell.run("run recipes.lua --quiet")
  test.eq(status, 0, err)
  local drawn = expect(0, "plot runs/recipes.h5 --x opt.lr --print-script -o x.png")
  test.eq(expect(0, "plot runs/recipes.h5 --x opt_lr --print-script -o x.png"):gsub("opt_lr", "opt.lr"), (drawn:gsub("opt_lr", "opt.lr")))
  local kinds = parsed(expect(0, "plot runs/recipes.h5 --x opt.lr --by opt --print-script -o x.png"))
  local lines = 0
  for _, plot in ipairs(kinds) do lines = lines + (plot.title and plot.title ~= "" and 1 or 0) end
  test.eq(lines, 2)
  local plots, at = parsed(drawn), {}
  local titles = {}
  for _, plot in ipairs(plots) do titles[#titles + 1] = plot.title end
  titles = table.concat(titles, "; ")
  for _, label in ipairs { "opt=sgd", "opt=sgd opt_momentum=0.5", "opt=adam" } do has(titles, label) end
  local low, high, top = tonumber(drawn:match("set xrange %[([^:]*):")), tonumber(drawn:match("set xrange %[[^:]*:([^%]]*)%]")),
    tonumber(drawn:match("set yrange %[[^:]*:([^%]]*)%]"))
  for _, plot in ipairs(plots) do
    for _, row in ipairs(plot.rows) do
      if #row == 2 and row[2] == top then
        at[#at + 1] = row[1]
        test.ok(row[1] >= low and row[1] <= high, row[1] .. " is in the picture")
      end
    end
  end
  table.sort(at)
  test.ok(#at == 4 and at[1] < 0.1 and at[2] > 0.1 and at[2] < 0.12 and at[4] <= high, table.concat(at, " ")) -- sgd at 0.1 and at 1, without and with momentum
end)

shell.remove()
test.close()
