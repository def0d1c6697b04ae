-- Updates of 10^6 f32 parameters against memory: `thalweg lua tests/bench/optim_bytes.lua`.
-- What a step moves is the least that can be: parameter and slots read and written, gradient read.
-- The machine's bandwidth is that of copying (memmove) between as many arrays of the same size as the step touches, bytes read and bytes written.
-- `of copy` is the bandwidth reached in terms of it; above 1.00 is possible, because what is written in place has been read, while a copy writes to memory
-- it has not.
local tw = require "thalweg"

local n, item = 1000000, 4

local function median_time(f, repeats)
  f()
  local times = {}
  for i = 1, 7 do
    local t = os.clock()
    for _ = 1, repeats do f() end
    times[i] = (os.clock() - t) / repeats
  end
  table.sort(times)
  return times[4]
end

local copies = {}
local function copy_bandwidth(arrays) -- bytes read and written per second, among this many arrays
  if not copies[arrays] then
    local list, at = {}, 0
    for i = 1, arrays do list[i] = tw.ones(n):to "f32" * i end
    local t = median_time(function()
      local from = at % arrays + 1
      at = at + 1
      list[at % arrays + 1]:assign(list[from])
    end, 60)
    copies[arrays] = 2 * n * item / t
  end
  return copies[arrays]
end

local cases = {
  { "sgd", {} }, { "sgd", { momentum = .9 } }, { "asgd", {} }, { "qhm", {} }, { "signsgd", {} }, { "signum", {} }, { "lion", {} }, { "rprop", {} },
  { "adagrad", {} }, { "adadelta", {} }, { "rmsprop", {} }, { "rmsprop", { momentum = .9 } }, { "rmsprop", { centered = true } }, { "adam", {} },
  { "adamw", {} }, { "amsgrad", {} }, { "adamax", {} }, { "nadam", {} }, { "radam", {} }, { "yogi", {} }, { "adabelief", {} }, { "qhadam", {} },
}

print(("%-20s %5s %9s %9s %9s %8s"):format("update", "slots", "us", "moved MB", "copy GB/s", "of copy"))
for _, case in ipairs(cases) do
  local r = tw.rng(0, "bench")
  local p, g = r:normal(n, { dtype = "f32" }), r:normal(n, { dtype = "f32" })
  local opt = tw.optim[case[1]](p, case[2])
  local t, slots = median_time(function() opt:update(g) end, 20), 0
  for _ in next, opt:state().slots.params do slots = slots + 1 end
  local moved = (3 + 2 * slots) * n * item
  local bandwidth = copy_bandwidth(3 + slots)
  local words = {}
  for k, v in next, case[2] do words[#words + 1] = k .. (v == true and "" or " " .. v) end
  print(("%-20s %5d %9.0f %9.0f %9.2f %8.2f"):format(case[1] .. (words[1] and " " .. words[1] or ""), slots, t * 1e6, moved / 1e6, bandwidth / 1e9,
    moved / t / bandwidth))
end
