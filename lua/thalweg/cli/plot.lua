-- thalweg plot OUT.h5: pictures of a sweep, in the terminal or as a file; thalweg plot schedule EXPR: the shape of a schedule.
local arguments = require "thalweg.cli.arguments"
local plot = require "thalweg.plot"
local sys = require "thalweg.sys"

local function at(text)
  if text == "final" or text == "min" or text == "max" then return text end
  local step = text:match("^%d+$") and math.tointeger(tonumber(text))
  if step then return step end
  return nil, "final, min, max or a step"
end

local function size(text)
  local w, h = text:match("^(%d+)x(%d+)$")
  w, h = math.tointeger(tonumber(w)), math.tointeger(tonumber(h))
  if w and h and w >= 20 and h >= 8 and w <= 10000 and h <= 10000 then return { w, h } end
  return nil, "WIDTHxHEIGHT, 20x8 to 10000x10000: 900x600"
end

local function domain(text)
  local a, b, c, d = text:match("^([^:,]+):([^:,]+),([^:,]+):([^:,]+)$")
  a, b, c, d = tonumber(a), tonumber(b), tonumber(c), tonumber(d)
  if a and b and c and d and a < b and c < d and b - a < math.huge and d - c < math.huge then return { a, b, c, d } end
  return nil, "X0:X1,Y0:Y1, ascending: -2:2,-1:3"
end

local verb = {
  about = "draws learning curves, metrics against parameters, error surfaces, histograms and schedules",
  arguments = {
    { "OUT.h5", about = "a sweep's file, or several; or the word schedule and expressions: schedule '0.1*cosine{steps=100}'",
      optional = true },
    { "METRIC", about = "what is drawn, a metric or (param, hist) a result; default the objective; curves draw several, one above the other",
      optional = true, many = true },
  },
  options = {
    { "--kind", value = "KIND", about = "curves (default), param, surface, hist or schedule", convert = arguments.one_of(plot.kinds) },
    { "--x", value = "NAME", about = "param: the parameter on the x axis; implies --kind param" },
    { "--by", value = "NAME[,NAME]", about = "one line per value of these parameters; default all that vary, the best few of them" },
    { "--where", value = "EXPR", about = "keeps the runs for which it holds: 'lr<0.1 and repeat==1'" },
    { "--at", value = "final|min|max|STEP", about = "param, hist: which of a run's values; default final", convert = at },
    { "--log", value = "x|y|xy|none|auto", about = "logarithmic axes; default auto: where the range asks for it",
      convert = arguments.one_of { "x", "y", "xy", "none", "auto" } },
    { "--smooth", value = "N", about = "curves: mean of N rows around each", convert = arguments.integer(1) },
    { "--normal", about = "hist: the normal curve of the sample's mean and standard deviation too" },
    { "--steps", value = "N", about = "schedule: how many steps; default 100", convert = arguments.integer(1, 10000000) },
    { "--surface", value = "EXPR", about = "surface: a function of a vector of two instead of a logged grid; implies --kind surface" },
    { "--domain", value = "X0:X1,Y0:Y1", about = "surface: the rectangle in which the function is drawn", convert = domain },
    { "--trace", value = "METRIC", about = "surface: the vector metric that is a run's way; default the first with two components" },
    { "-o", "--out", value = "FILE", about = "the picture: .png, .svg or .pdf; without it the plot appears in the terminal" },
    { "--size", value = "WxH", about = "pixels, default 900x600; in the terminal characters", convert = size },
    { "--title", value = "TEXT", about = "default what the experiment is about" },
    { "--print-script", about = "prints the gnuplot script, numbers included, instead of drawing" },
  },
  notes = [[
A line is the median over the runs of a group, its band goes from quartile to quartile, from the smallest to the largest of fewer than four.
A run that diverged counts as infinitely bad; one that stopped by its own rule keeps its last value. A curve of more than 2000 rows shows 2000 of them.
Drawing needs gnuplot (Debian: gnuplot-nox).]],
}

-- The words after the verb are files as long as they look like one; what follows are metrics.
local function sort_words(words)
  local paths, rest = {}, {}
  for _, word in ipairs(words) do
    local is_file = word:find("%.h5$") or sys.kind(word) ~= nil
    if #paths == 0 and #rest == 0 or (#rest == 0 and is_file) then paths[#paths + 1] = word else rest[#rest + 1] = word end
  end
  return paths, rest
end

-- What gnuplot prints, without form feeds, trailing blanks and more than one empty line at a time.
local function tidy(text)
  local out, empty = {}, true
  for line in text:gsub("\f", ""):gmatch("([^\n]*)\n") do
    local shown = line:gsub("\27%[[%d;]*m", ""):find("%S") ~= nil
    if shown then
      out[#out + 1] = line:gsub("[ \r]+$", "")
    elseif not empty then
      out[#out + 1] = ""
    end
    empty = not shown
  end
  if empty then out[#out] = nil end
  return table.concat(out, "\n") .. "\n"
end

---@return integer status
function verb.run(args)
  local spec = {
    kind = args.kind, x = args.x, by = args.by, where = args.where, at = args.at, log = args.log, smooth = args.smooth, normal = args.normal,
    steps = args.steps, domain = args.domain, trace = args.trace, out = args.out, size = args.size, title = args.title, surface = args.surface,
  }
  local words = table.move(args.metric or {}, 1, #(args.metric or {}), 2, { args["out.h5"] })
  if words[1] == "schedule" and sys.kind("schedule") == nil then
    spec.schedules = table.move(words, 2, #words, 1, {})
  elseif words[1] then
    spec.paths, spec.metric = sort_words(words)
  end
  if args.print_script then
    io.stdout:write(plot.script(spec))
    return 0
  end
  local text = plot.draw(spec)
  if text then io.stdout:write(tidy(text)) end
  return 0
end

return verb
