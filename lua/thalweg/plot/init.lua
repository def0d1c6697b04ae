-- Plots of sweeps through gnuplot: what is asked for becomes a selection of runs, that a figure, that a script, that a picture.
--   local plot = require "thalweg.plot"
--   plot.draw { kind = "curves", path = "runs/valley.h5", metric = "loss", by = "lr", out = "loss.png" }
--   print(plot.draw { path = "runs/valley.h5" })      without `out`: the text that a terminal shows
local curves = require "thalweg.plot.curves"
local gnuplot = require "thalweg.plot.gnuplot"
local hist = require "thalweg.plot.hist"
local names = require "thalweg.names"
local param = require "thalweg.plot.param"
local schedule = require "thalweg.plot.schedule"
local selection = require "thalweg.plot.selection"
local surface = require "thalweg.plot.surface"

local plot = {}

plot.kinds = { "curves", "param", "surface", "hist", "schedule" }

local function fail(format, ...) error({ message = "plot: " .. string.format(format, ...), status = 2 }, 0) end

---@class thalweg.PlotSpec
---@field kind? "curves"|"param"|"surface"|"hist"|"schedule" default curves; param when x is given, schedule when schedules are
---@field path? string a sweep's file
---@field paths? string[] several, compared
---@field sweep? userdata an open sweep instead
---@field metric? string|string[] default the experiment's objective; curves draw one panel per metric
---@field by? string|string[] the parameters that make the groups; default all that vary
---@field x? string the parameter on the x axis
---@field where? string keeps the runs for which it holds
---@field at? "final"|"min"|"max"|integer default final
---@field log? "x"|"y"|"xy"|"none"|"auto" default auto
---@field smooth? integer curves: mean of so many rows
---@field normal? boolean hist: the normal curve too
---@field steps? integer schedule: how many; default 100
---@field schedules? any[] schedules, or expressions for them
---@field surface? string|function surface: a function of a vector of two instead of a logged grid
---@field domain? number[] surface of a function: { x0, x1, y0, y1 }
---@field trace? string surface: the vector metric that is the way of a run; default the first of two components
---@field title? string default what the experiment is about
---@field out? string .png, .svg or .pdf; without: text
---@field size? number[] { width, height } in pixels, 900 x 600; of text in characters
---@field color? boolean text with colours

local fields = {}
for word in ("kind path paths sweep metric by x where at log smooth normal steps schedules surface domain trace title out size color"):gmatch("%S+") do
  fields[#fields + 1] = word
end

local function has(list, v)
  for _, w in ipairs(list) do
    if w == v then return true end
  end
  return false
end

local function list_of(v, separator)
  if v == nil then return nil end
  if type(v) == "table" then return v end
  local out = {}
  for word in v:gmatch("[^" .. separator .. "]+") do out[#out + 1] = word end
  return out
end

-- Checks a spec and fills in its defaults.
local function complete(given)
  for name in next, given do
    if not has(fields, name) then fail("unknown option: %s; %s", tostring(name), names.hint(name, fields)) end
  end
  local spec = {}
  for name, v in next, given do spec[name] = v end
  spec.kind = spec.kind or spec.schedules and "schedule" or spec.surface and "surface" or spec.x and "param" or "curves"
  if not has(plot.kinds, spec.kind) then fail("unknown kind: %s; %s", tostring(spec.kind), names.hint(spec.kind, plot.kinds)) end
  spec.paths = spec.paths or spec.path and { spec.path }
  spec.metric = list_of(spec.metric, ",") or {}
  spec.by = list_of(spec.by, ",")
  spec.at = spec.at or "final"
  if #spec.metric > 1 and spec.kind ~= "curves" then
    fail("%s draws one metric: there are %d: %s", spec.kind, #spec.metric, table.concat(spec.metric, ", "))
  end
  return spec
end

-- The format of a picture by its file's name.
local function term_of(path)
  if not path then return "dumb" end
  local extension = (path:match("%.(%w+)$") or ""):lower()
  if has({ "png", "svg", "pdf" }, extension) then return extension end
  fail("no format for this file: -o is %s; its name must end in .png, .svg or .pdf", path)
end

local function target_of(spec, panels, labels)
  local term = term_of(spec.out)
  if term ~= "dumb" then
    local size = spec.size or { 900, panels == 1 and 600 or 170 + 330 * panels }
    return { term = term, width = size[1], height = size[2], dumb = false }
  end
  local width, color = gnuplot.screen()
  if spec.color ~= nil then color = spec.color end
  local size = spec.size or { width, math.min(40, 22 + labels) }
  return { term = term, width = size[1], height = size[2], color = color, dumb = true }
end

local function figure_of(spec)
  if spec.kind == "schedule" and spec.schedules then
    if #spec.schedules == 0 then fail("no schedule is given; write one: thalweg plot schedule 'cosine{ steps = 100 }'") end
    return schedule.figure(spec)
  end
  if type(spec.surface) == "string" then
    spec.surface_label = spec.surface
    spec.surface = schedule.evaluate(spec.surface)
  end
  local meta = type(spec.surface) == "table" and getmetatable(spec.surface)
  if spec.surface and type(spec.surface) ~= "function" and not (type(meta) == "table" and meta.__call) then
    fail("--surface: a function of a vector of two is needed: it is a %s; for example: function(x) return x[1] ^ 2 + 10 * x[2] ^ 2 end", type(spec.surface))
  end
  local selected
  if spec.paths or spec.sweep or not spec.surface then
    selected = selection.of { paths = spec.paths, sweeps = spec.sweep and { spec.sweep }, where = spec.where }
    for _, name in ipairs(spec.by or {}) do selected:check_parameter("--by", name) end
  end
  spec.title = spec.title or (selected and selected.about) or spec.surface_label or "surface"
  if spec.kind == "curves" then return curves.figure(selected, spec) end
  if spec.kind == "param" then return param.figure(selected, spec) end
  if spec.kind == "hist" then return hist.figure(selected, spec) end
  if spec.kind == "surface" then return surface.figure(selected, spec) end
  return schedule.recorded(selected, spec)
end

-- The gnuplot script that draws a plot.
---@param given thalweg.PlotSpec
---@return string
function plot.script(given)
  local spec = complete(given)
  term_of(spec.out)
  local figure = figure_of(spec)
  local labels = 0
  for _, layer in ipairs(figure.panels[1].layers) do labels = labels + (layer.label and 1 or 0) end
  return gnuplot.script(figure, target_of(spec, #figure.panels, labels))
end

-- Draws: into spec.out, or returns the text. Raises { message, status }.
---@param given thalweg.PlotSpec
---@return string|nil text
function plot.draw(given) return gnuplot.run(plot.script(given), given.out) end

return plot
