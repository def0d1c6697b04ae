-- Writes a sweep's file for the readers: make_sweep.lua OUT.h5 [ragged]. A 2 x 3 grid with 2 repeats; one run diverges, one fails. With "ragged" the
-- space is nested, runs log at steps of their own, and there are a vector and an f32 metric.
local core = require "thalweg.core"
local record = require "thalweg.record"

local out, ragged = arg[1], arg[2] == "ragged"
local dir, uuid = out .. ".d", record.uuid()
assert(os.execute("mkdir -p '" .. dir .. "'"))

local runs, order, id = {}, {}, 0
for _, lr in ipairs{ 0.01, 0.1 } do
  for i, decay in ipairs{ "constant", "exponential", "inverse power" } do
    for rep = 1, 2 do
      id = id + 1
      local values = { { "decay", decay }, { "lr", lr } }
      if ragged and i == 2 then table.insert(values, 2, { "decay.rate", 0.5, nested = true }) end
      order[id] = id * 1000003
      runs[id] = { id = order[id], seed = rep, rep = rep, text = ("decay=%s lr=%g"):format(decay, lr), values = values }
    end
  end
end
record.plan_append(dir, {
  uuid = uuid, order = order, runs = runs,
  meta = { name = "readers", about = "grüße, a sweep for readers", script = "-- λ\n", ["units.loss"] = "nat", version = core.version,
    history = "made by hand" },
})

local book = record.logbook(dir, 0, { uuid = uuid, sync = "off" })
for i, run in ipairs(runs) do
  book:begin(run.id, 1, run.seed, { diverge = { "loss" } })
  local bad
  for k = 0, ragged and 20 + i or 29 do
    local row = { loss = i == 5 and k == 12 and 0 / 0 or i / (1 + k), lr = 0.1 }
    if ragged then
      row.step = k * i
      row.weights = core.tensor({ k, k + 1, k + 2 })
      row.half = core.tensor({ k / 2, i }):to("f32")
    end
    local _
    _, bad = book:log(row)
    if bad then break end
    if k % 10 == 9 then book:log("eval", { accuracy = k / 100 }) end
  end
  book:result{ accuracy = i / 20 }
  local status = bad and "diverged" or i == 7 and "failed" or "done"
  book:finish(status, status == "done" and "" or status .. ": für immer", 0.25, 0.25)
end
book:close()
assert(record.pack(assert(record.load(dir)), out, { complete = true, compress = ragged and 4 or 0, logs = dir }))
