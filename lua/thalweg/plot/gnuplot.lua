-- Figures as gnuplot scripts, and gnuplot itself. A figure is data: panels with layers of numbers. Numbers stand in the script with all their digits;
-- texts are literals in which gnuplot interprets nothing, whatever they contain. Knows nothing of sweeps.
--   figure = { panels = { panel, ... } }
--   panel  = { title =, note =, band =, x = scale, y = scale, layers = { layer, ... }, legend = title or nil, colors = { label =, scale = } }
--   scale  = { label =, log =, low =, high =, names = { "category", ... } }
--   layer  = { draw = "line" | "points" | "band" | "box" | "contour" | "mark", rows = { {x, y, ...} or false for a gap, ... }, style = 1.., label = }
local axis = require "thalweg.plot.axis"
local provenance = require "thalweg.runner.provenance"
local sys = require "thalweg.sys"

local gnuplot = {}

-- Okabe and Ito's colours that a blue-blind reader and a printer without colours tell apart, with dashes and marks that differ too.
local colors = { "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000" }
local dashes = { "solid", "(18,6)", "(4,4)", "(14,5,3,5)", "(24,5,3,5,3,5)" }
local marks = { 7, 5, 9, 13, 11, 4, 6, 8, 12, 10 }

local function fail(status, format, ...) error({ message = string.format(format, ...), status = status }, 0) end

local function pick(list, i) return list[(i - 1) % #list + 1] end

-- A text as gnuplot's literal. Between double quotes gnuplot runs what stands in backquotes, and between single ones a doubled quote at the beginning or
-- beside another ends the text: so quotes, backquotes, backslashes and all that is not known to be harmless are written as octal escapes.
local function literal(text)
  text = utf8.len(text) and text or text:gsub("[\128-\255]", "?")
  return '"' .. text:gsub("%c", " "):gsub("[^%w \128-\255_.,=:/+()%[%]{}<>*%%^;-]", function(c) return ("\\%03o"):format(c:byte()) end) .. '"'
end

local function number(v) return ("%.17g"):format(v) end

-- A tick's label is a format for its position.
local function tick_literal(text) return (literal(text):gsub("%%", "%%%%")) end

-- At most `width` characters: words go to the next line, of which there are `most`; the rest becomes an ellipsis.
local function wrap(text, width, most)
  local lines, line = {}, ""
  for word in text:gsub("%c", " "):gmatch("%S+") do
    local candidate = line == "" and word or line .. " " .. word
    if (utf8.len(candidate) or #candidate) > width and line ~= "" then
      lines[#lines + 1] = line
      line = word
    else
      line = candidate
    end
  end
  lines[#lines + 1] = line
  if #lines > most then
    lines = table.move(lines, 1, most, 1, {})
    lines[most] = lines[most] .. " ..."
  end
  return lines
end

-- A text of at most n characters, shortened in the middle.
local function shorten(text, n)
  local length = utf8.len(text)
  if not length or length <= n then return text end
  local head, tail = (n - 3) * 2 // 3, (n - 3) - (n - 3) * 2 // 3
  return text:sub(1, utf8.offset(text, head + 1) - 1) .. "..." .. text:sub(utf8.offset(text, -tail))
end

local function joined(lines)
  local out = {}
  for i, line in ipairs(lines) do out[i] = literal(line) end
  return table.concat(out, [[."\n".]])
end

local function emit_data(out, name, layer)
  out[#out + 1] = name .. " << EOD"
  local gap = true
  for _, row in ipairs(layer.rows) do
    if row then
      local cells = {}
      for i, v in ipairs(row) do cells[i] = number(v) end
      out[#out + 1] = table.concat(cells, " ")
    elseif not gap then
      out[#out + 1] = ""
    end
    gap = not row
  end
  out[#out + 1] = "EOD"
end

-- Ticks as gnuplot takes them: labelled ones, and small ones without a label.
local function tick_list(ticks)
  local cells = {}
  for i, tick in ipairs(ticks) do cells[i] = ("%s %s%s"):format(tick_literal(tick[2] or ""), number(tick[1]), tick[2] and "" or " 1") end
  return table.concat(cells, ", ")
end

local function emit_axis(out, which, scale, target, lifted)
  local label = not (target.dumb and which == "y") and scale.label or ""
  out[#out + 1] = ("set %slabel %s noenhanced%s"):format(which, literal(label), lifted and " offset 0,0.6" or "")
  out[#out + 1] = ("%s logscale %s"):format(scale.log and "set" or "unset", which)
  out[#out + 1] = ("set %srange [%s:%s]"):format(which, scale.low and number(scale.low) or "*", scale.high and number(scale.high) or "*")
  local ticks
  if scale.names then
    ticks = {}
    local most = target.dumb and which == "x" and math.max(4, (target.width - 26) // #scale.names - 2) or 28
    for i, name in ipairs(scale.names) do ticks[i] = { i, shorten(name, most) } end
  elseif scale.ticks then
    ticks = scale.ticks
  elseif scale.log then
    local room = target.dumb and (which == "x" and 7 or 6) or 9
    ticks = axis.log_ticks(scale.low, scale.high, room)
  end
  out[#out + 1] = ("unset m%stics"):format(which)
  if not ticks then
    out[#out + 1] = ("set %stics autofreq norotate format '%%g'"):format(which)
    return
  end
  local longest = 0
  for _, tick in ipairs(ticks) do longest = math.max(longest, utf8.len(tick[2] or "") or 0) end
  local steep = scale.names and which == "x" and not target.dumb and longest * #ticks > 60
  out[#out + 1] = ("set %stics %s noenhanced (%s)"):format(which, steep and "rotate by -25" or "norotate", tick_list(ticks))
end

-- The SVG terminal takes sizes of text for pixels, and draws points larger than the others do.
local function font_size(target, points) return target.term == "svg" and points * 4 / 3 or points end
local function point_size(target, size) return target.term == "svg" and size * 0.65 or size end

-- How each kind of layer is drawn: the text after the data's name.
local draws = {}

function draws.line(layer, target)
  local i = layer.style
  -- In a terminal the dash is the character: # $ % @ & =
  if target.dumb then return ("using 1:2 with %s dt %d lc rgb '%s'"):format(layer.rows[2] and "lines" or "points pt 2", (i - 1) % 6 + 2, pick(colors, i)) end
  local look = ("lw %g lc rgb '%s' dt %s"):format(layer.thin and 1.9 or 2.2, pick(colors, i), pick(dashes, i))
  if layer.marked then return ("using 1:2 with linespoints pt %d ps %g %s"):format(pick(marks, i), point_size(target, 0.9), look) end
  return "using 1:2 with lines " .. look
end

function draws.points(layer, target)
  if target.dumb then return ("using 1:2 with points pt %d lt %d lc rgb '%s'"):format(layer.style, layer.style, pick(colors, layer.style)) end
  return ("using 1:2 with points pt %d ps %g lc rgb '%s%s'"):format(pick(marks, layer.style), point_size(target, layer.size or 0.85), "#80",
    pick(colors, layer.style):sub(2))
end

function draws.mark(layer, target)
  if target.dumb then return draws.points(layer, target) end
  return ("using 1:2 with points pt %d ps %g lw 2.2 lc rgb '%s'"):format(layer.symbol or 2, point_size(target, 1.6), pick(colors, layer.style))
end

function draws.band(layer)
  return ("using 1:2:3 with filledcurves fs transparent solid %g noborder fc rgb '%s'"):format(layer.faint and 0.1 or 0.18, pick(colors, layer.style))
end

function draws.box(layer, target)
  if target.dumb then return ("using 1:2:3 with boxes dt %d lc rgb '%s'"):format((layer.style - 1) % 6 + 2, pick(colors, layer.style)) end
  local hatch = layer.outline and "fs transparent solid 0.12 border" or "fs solid 0.55 border"
  local color = pick(colors, layer.style)
  return ("using 1:2:3 with boxes %s lc rgb '%s' fc rgb '%s' dt %s lw 1.5"):format(hatch, color, color,
    layer.outline and pick(dashes, layer.style) or "solid")
end

function draws.contour(_, target)
  return target.dumb and "using 1:2 with dots lt 6" or "using 1:2:3 with lines lw 1.3 lc palette"
end

-- The legend: beside the plot when its entries are short, below it otherwise. Returns its rows below.
local function legend_of(panel, target)
  local longest, count = panel.legend and utf8.len(panel.legend) or 0, 0
  for _, layer in ipairs(panel.layers) do
    if layer.label then
      longest, count = math.max(longest, utf8.len(layer.label) or #layer.label), count + 1
    end
  end
  if count == 0 then return nil, 0 end
  if longest <= (target.dumb and 14 or 18) and not panel.colors then return "outside right top vertical", 0 end
  local columns = count > 2 and longest <= (target.dumb and (target.width - 16) // 2 - 6 or target.width // 22) and 2 or 1
  local rows = (count + columns - 1) // columns
  return ("outside below left vertical maxrows %d"):format(rows), rows + (panel.legend and not target.dumb and 1 or 0)
end

local function emit_legend(out, panel, target)
  local place = legend_of(panel, target)
  if not place or panel.bare then
    out[#out + 1] = "unset key"
    return
  end
  local title = panel.legend and not target.dumb and "title " .. literal(shorten(panel.legend, 80)) .. " noenhanced left" or "notitle"
  out[#out + 1] = ("set key %s Left reverse noenhanced samplen %g spacing 1.15 width 1 %s"):format(place, target.dumb and 3 or 4, title)
end

-- Title and note above the plot, whose top is at `top` of the picture's height. Over a terminal's plot they are centred, say what is drawn upwards and what
-- the legend lists, and nothing of bands, which a terminal does not show.
local function emit_title(out, panel, target, top)
  if target.dumb then
    local lines = wrap(panel.title or "", target.width - 4, 2)
    local said = { (panel.y.label or "") .. (panel.legend and " by " .. panel.legend or "") }
    said[#said + 1] = panel.note
    if lines[1] == "" then lines = {} end
    for _, line in ipairs(wrap(table.concat(said, "; "), target.width - 4, 3)) do lines[#lines + 1] = line end
    out[#out + 1] = "set title " .. joined(lines) .. " noenhanced"
    return
  end
  local said = { panel.note }
  said[#said + 1] = panel.band
  local title = panel.title and wrap(panel.title, math.floor(target.width / 10.6), 2) or {}
  local note = #said > 0 and wrap(table.concat(said, "; "), math.floor(target.width / 7.7), 2) or {}
  local function label(i, lines, below, look)
    if #lines == 0 then return "unset label " .. i end
    return ("set label %d %s at screen 0, screen %s offset character 1.2, character %g left noenhanced %s"):format(i, joined(lines), number(top), -below, look)
  end
  out[#out + 1] = label(1, title, 1.2, ("font ',%g'"):format(font_size(target, 15)))
  out[#out + 1] = label(2, note, 1.2 + 1.25 * #title, ("font ',%g' textcolor rgb '#555555'"):format(font_size(target, 11)))
  out[#out + 1] = ("set tmargin %g"):format(1.2 + 1.25 * #title + 1.0 * #note)
end

-- The scale of contours: greys, so that the lines upon them keep their colours.
local function emit_colors(out, scale)
  out[#out + 1] = "unset grid"
  out[#out + 1] = "set palette defined (0 '#404040', 0.6 '#A0A0A0', 1 '#D6D6D6')"
  out[#out + 1] = ("set cblabel %s noenhanced"):format(literal(scale.label))
  out[#out + 1] = ("set cbrange [%s:%s]"):format(number(scale.low), number(scale.high))
  out[#out + 1] = ("%s logscale cb"):format(scale.log and "set" or "unset")
  local ticks = scale.log and "noenhanced (" .. tick_list(axis.log_ticks(scale.low, scale.high, 8)) .. ")"
  out[#out + 1] = "set cbtics " .. (ticks or "autofreq format '%g'")
end

local function has_rows(layer)
  for _, row in ipairs(layer.rows) do
    if row then return true end
  end
  return false
end

local function emit_panel(out, panel, target, prefix)
  for i, layer in ipairs(panel.layers) do emit_data(out, ("$%s%d"):format(prefix, i), layer) end
  local _, below = legend_of(panel, target)
  emit_axis(out, "x", panel.x, target, not target.dumb and below > 0)
  emit_axis(out, "y", panel.y, target)
  emit_legend(out, panel, target)
  if panel.colors and not target.dumb then emit_colors(out, panel.colors) end
  local plots = {}
  for i, layer in ipairs(panel.layers) do
    if not (target.dumb and layer.draw == "band") and has_rows(layer) then
      local label = "notitle"
      if layer.label then label = "title " .. literal(target.dumb and " " .. shorten(layer.label, target.width - 18) or shorten(layer.label, 100)) end
      plots[#plots + 1] = ("$%s%d %s %s"):format(prefix, i, draws[layer.draw](layer, target), label)
    end
  end
  if #plots == 0 then fail(2, "plot: there is nothing to draw: no value of %s is finite and has a place on its axis", panel.y.label or "it") end
  out[#out + 1] = "plot " .. table.concat(plots, ", \\\n     ")
end

-- Where a picture goes. A size of pictures is in pixels (a PDF has 100 to the inch), of text in characters.
---@class thalweg.PlotTarget
---@field term "png"|"svg"|"pdf"|"dumb"
---@field width number
---@field height number
---@field color? boolean in a terminal
---@field dumb boolean

local function terminal(target)
  local w, h = target.width, target.height
  if target.term == "png" then return ("pngcairo noenhanced size %d,%d font 'sans-serif,12.5' background rgb 'white'"):format(w, h) end
  if target.term == "svg" then return ("svg noenhanced size %d,%d dynamic font 'sans-serif,16' background rgb 'white'"):format(w, h) end
  if target.term == "pdf" then return ("pdfcairo noenhanced size %.2fin,%.2fin font 'sans-serif,11' fontscale 0.8"):format(w / 100, h / 100) end
  return ("dumb noenhanced size %d,%d %s"):format(w, h, target.color and "ansirgb" or "mono")
end

-- The script that draws a figure.
---@param figure table
---@param target thalweg.PlotTarget
---@return string
function gnuplot.script(figure, target)
  local out = { "set encoding utf8", "set terminal " .. terminal(target) }
  if not target.dumb then
    for _, line in ipairs { "set border 3 lw 1.1 lc rgb '#444444'", "set tics out nomirror", "set grid xtics ytics lt 1 lc rgb '#D9D9D9' lw 0.8",
      "set style fill solid" } do out[#out + 1] = line end
  else
    out[#out + 1] = "set tics nomirror"
  end
  out[#out + 1] = "set clip two"
  local n = #figure.panels
  if target.dumb then
    for i, panel in ipairs(figure.panels) do
      panel.bare = i < n
      emit_title(out, panel, target, 1)
      emit_panel(out, panel, target, "p" .. i .. "_")
    end
    return table.concat(out, "\n") .. "\n"
  end
  -- Panels share what the title and the legend below the last one leave.
  local _, rows = legend_of(figure.panels[n], target)
  local below = n > 1 and rows * 21 / target.height or 0
  local above = n > 1 and 45 / target.height or 0
  local height, top = (1 - below - above) / n, 1
  if n > 1 then out[#out + 1] = "set multiplot\nset lmargin 11" end
  for i, panel in ipairs(figure.panels) do
    if n > 1 then
      local own = height + (i == 1 and above or 0) + (i == n and below or 0)
      out[#out + 1] = ("set size 1,%s\nset origin 0,%s"):format(number(own), number(math.max(top - own, 0)))
      panel.bare = rows > 0 and i < n
      if i < n then panel.x.label = nil end
    end
    emit_title(out, panel, target, top)
    top = top - (height + (i == 1 and above or 0))
    emit_panel(out, panel, target, "p" .. i .. "_")
  end
  if n > 1 then out[#out + 1] = "unset multiplot" end
  return table.concat(out, "\n") .. "\n"
end

local function read(path)
  local file = io.open(path, "rb")
  local text = file and file:read("a") or ""
  if file then file:close() end
  return text
end

-- Executes a script. Returns what gnuplot draws, or writes it to `path`, which then is there whole or not at all.
-- Raises { message, status }: 2 when gnuplot is missing or refuses, 3 when the file cannot be written.
---@param script string
---@param path? string
---@return string|nil drawn
function gnuplot.run(script, path)
  local probe = io.popen("command -v gnuplot 2>/dev/null")
  local found = probe:read("l")
  probe:close()
  if not found then fail(2, "plot: gnuplot is not installed; as root: apt-get install --no-install-recommends gnuplot-nox") end
  local input, errors, drawn = os.tmpname(), os.tmpname(), os.tmpname()
  local function clean()
    os.remove(input)
    os.remove(errors)
    os.remove(drawn)
  end
  local file = assert(io.open(input, "wb"))
  file:write(script)
  file:close()
  local part, target = nil, drawn
  if path then
    part = path .. ".part"
    local probe_file, message = io.open(part, "wb")
    if not probe_file then
      clean()
      fail(3, "plot: the picture cannot be written: %s", message)
    end
    probe_file:close()
    target = part
  end
  local q = provenance.quote
  local ok = os.execute(("gnuplot -d %s >%s 2>%s </dev/null"):format(q(input), q(target), q(errors)))
  local said, text = read(errors), not path and read(drawn) or nil
  clean()
  if not ok then
    if part then os.remove(part) end
    local line
    for candidate in said:gmatch("[^\n]+") do
      if candidate:find("%S") and not candidate:find("^%s*%^%s*$") then line = candidate end
    end
    fail(2, "plot: gnuplot failed: %s", line and line:gsub('^"[^"]*",? line', "line") or "it said nothing")
  end
  if not part then return text end
  local moved, message = os.rename(part, path)
  if not moved then
    os.remove(part)
    fail(3, "plot: the picture cannot be written: %s", message)
  end
  return nil
end

-- The terminal this process writes to: its width, and whether it shows colours.
---@return integer columns, boolean color
function gnuplot.screen()
  local columns = sys.terminal("out")
  local wanted = math.tointeger(tonumber(os.getenv("COLUMNS") or ""))
  local width = columns or (wanted and wanted >= 40 and wanted) or 80
  return math.min(math.max(width, 40), 400), columns ~= nil and os.getenv("NO_COLOR") == nil
end

return gnuplot
