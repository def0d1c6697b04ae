-- The recorder as Lua sees it: plan, logbook, sweep, pack, diff, lock.
local test = require "spec"
local record = require "thalweg.record"
local core = require "thalweg.core"
local sys = require "thalweg.sys"

local top = os.tmpname()
os.remove(top)
assert(sys.make_directories(top))
local uuid = "01234567-89ab-cdef-0123-456789abcdef"
local made = 0

local function fresh()
  made = made + 1
  local dir = top .. "/" .. made .. ".h5.d"
  assert(sys.make_directories(dir))
  return dir
end

local function append(dir, runs, order, meta)
  record.plan_append(dir, { uuid = uuid, meta = meta or { name = "trial", root_seed = "0" }, order = order, runs = runs })
end

local function run(id, values, rep)
  local text = {}
  for i, v in ipairs(values) do text[i] = v[1] .. "=" .. tostring(v[2]) end
  return { id = id, seed = 7, rep = rep or 1, text = table.concat(text, " "), values = values }
end

local function logbook(dir, options) return record.logbook(dir, 0, options or { uuid = uuid, sync = 0 }) end

-- One run of a one-run sweep, logged by f; returns the sweep.
local function logged(f, status)
  local dir = fresh()
  append(dir, { run(1, { { "lr", 0.1 } }) }, { 1 })
  local book = logbook(dir)
  book:begin(1, 1, 7, { diverge = { "loss" }, lanes = 1 })
  f(book)
  book:finish(status or "done", "", 1.5, 1.25)
  book:close()
  return assert(record.load(dir)), dir
end

test("a plan comes back as rows with typed values, in the plan's order", function()
  local dir = fresh()
  append(dir, {
    run(10, { { "adaptive", true }, { "batch", 32 }, { "decay", "exponential" }, { "decay.rate", 0.01, nested = true } }),
    run(11, { { "adaptive", false }, { "batch", 64 }, { "decay", "constant" } }),
  }, { 11, 10 }, { name = "trial", ["units.loss"] = "nat", history = "thalweg run trial.lua" })
  local sweep = assert(record.load(dir))
  test.eq(#sweep, 2)
  test.eq(sweep:order(), { 11, 10 })
  test.eq(sweep:row(2).values, { adaptive = true, batch = 32, decay = "exponential", ["decay.rate"] = 0.01 })
  test.eq(math.type(sweep:row(2).values.batch), "integer")
  test.eq(sweep:row(1).hex, "0000000000000b")
  test.eq(sweep:statuses(), { [10] = "pending", [11] = "pending" })
  test.eq(sweep:meta("name"), "trial")
  test.eq(sweep:meta("uuid"), uuid)
  test.eq(sweep:meta("nothing"), nil)
  test.eq(sweep:meta_all().history, { "thalweg run trial.lua" })
end)

test("the final value is the last one logged, in whatever row; a NaN that was logged is one; a file packed again keeps both", function()
  local sweep = logged(function(book)
    for t = 0, 24 do
      local row = { loss = 25 - t }
      if t % 10 == 0 then row.val = t + 0.5 end
      if t == 12 then row.late = 3 end
      if t < 6 then row.spoiled = t < 5 and t or 0 / 0 end
      book:log(row)
    end
  end)
  local function check(s)
    test.eq(s:final("loss"), { 1 })
    test.eq(s:final("val"), { 20.5 })
    test.eq(s:final("late"), { 3 })
    test.eq(s:final("spoiled"), { 0 / 0 })
    test.eq(s:max("spoiled"), { 4 })
  end
  check(sweep)
  local file, again = top .. "/sparse.h5", top .. "/sparse2.h5"
  test.eq(record.pack(sweep, file, { complete = true }), true)
  check(assert(record.load(file)))
  test.eq(record.pack(assert(record.load(file)), again, { complete = true }), true)
  check(assert(record.load(again)))
end)

test("the guide tells every name that a metric cannot have", function()
  local file = assert(io.open((os.getenv "TW_ROOT" or ".") .. "/docs/guide.md"))
  local guide = file:read "a":match("These names are the file's:(.-)\n\n")
  file:close()
  logged(function(book)
    local n = 0
    for name in guide:match("^(.-), nor begin"):gmatch("`([%w_]+)`") do
      n = n + 1
      if name ~= "step" then test.raises(name, book.log, book, { [name] = 1 }) end -- that one says which step it is
    end
    test.eq(n, 26)
    for prefix in guide:match("nor begin with(.-)%. "):gmatch("`([%w_]+)`") do test.raises(prefix .. "x", book.log, book, { [prefix .. "x"] = 1 }) end
    book:log { loss = 1 }
  end)
end)

test("a plan grows: later frames bring new runs, the latest order counts, texts of a key are replaced", function()
  local dir = fresh()
  append(dir, { run(1, { { "lr", 0.1 } }) }, { 1 }, { command = "first", history = "one" })
  append(dir, { run(2, { { "lr", 0.05 } }) }, { 2, 1 }, { command = "second", history = "two" })
  local sweep = assert(record.load(dir))
  test.eq(sweep:order(), { 2, 1 })
  test.eq(sweep:meta("command"), "second")
  test.eq(sweep:meta_all().history, { "one", "two" })
  test.eq(sweep:row(1).config, 1)
  test.eq(sweep:row(2).config, 2)
end)

test("a plan's faults are told", function()
  local dir = fresh()
  test.raises("share a column", append, dir, { run(1, { { "opt.lr", 1 }, { "opt_lr", 2 } }) }, { 1 })
  test.raises("run id is out of range", append, dir, { run(1 << 53, {}) }, {})
  test.raises("a value is a number, a boolean or a text: lr is a table", append, dir,
    { { id = 1, seed = 1, rep = 1, text = "", values = { { "lr", {} } } } }, {})
  test.raises("has no uuid", record.plan_append, dir, {})
end)

test("rows of numbers: steps count from 0, a slower stream is stamped with the latest step", function()
  local steps = {}
  local sweep = logged(function(book)
    for i = 0, 9 do
      steps[#steps + 1] = book:log{ loss = 1 / (i + 1), lr = 1 }
      if i % 4 == 3 then steps[#steps + 1] = book:log("eval", { accuracy = i / 10 }) end
    end
    steps[#steps + 1] = book:log{ loss = 0, lr = 1, step = 20 }
    steps[#steps + 1] = book:log{ loss = 0, lr = 1 }
    test.eq(book:last("eval_accuracy"), 0.7)
    test.eq(book:last("loss"), 0)
    test.eq(book:last("nothing"), nil)
    book:result{ accuracy = 0.75, best = 3 }
  end)
  test.eq(steps, { 0, 1, 2, 3, 3, 4, 5, 6, 7, 7, 8, 9, 20, 21 })
  test.eq(sweep:metrics(), {
    { name = "loss", stream = "", variable = "loss", dtype = "f64", shape = {} },
    { name = "lr", stream = "", variable = "lr", dtype = "f64", shape = {} },
    { name = "accuracy", stream = "eval", variable = "eval_accuracy", dtype = "f64", shape = {} },
  })
  local values, at = sweep:trace("eval_accuracy", 1)
  test.eq(values, { 0.3, 0.7 })
  test.eq(at, { 3, 7 })
  test.eq(sweep:results(), { "accuracy", "best" })
  test.eq(sweep:result("accuracy"), { 0.75 })
  test.eq(sweep:final("loss"), { 0 })
  test.eq(sweep:max("loss"), { 1 })
  test.eq(sweep:final("nothing"), { 0 / 0 })
  local row = sweep:row(1)
  test.eq({ row.status, row.n_steps, row.wall_time, row.attempt, row.worker }, { "done", 12, 1.5, 1, 0 })
end)

test("a first non-finite diverge metric is named; others may be NaN", function()
  local got
  local sweep = logged(function(book)
    test.eq({ book:log{ loss = 1, other = 0 / 0 } }, { 0 })
    got = { book:log{ loss = 1 / 0, other = 1 } }
  end, "diverged")
  test.eq(got, { 1, { "loss" } })
  test.eq(sweep:trace("loss", 1), { 1, 1 / 0 })
  test.eq(sweep:row(1).status, "diverged")
end)

test("tensors of every dtype and shape", function()
  local sweep = logged(function(book)
    for i = 1, 3 do
      local m = core.tensor({ { 1, 2, 3 }, { 4, 5, 6 } }) * i
      book:log{ loss = core.tensor(i), x = core.tensor({ i, 2 * i }), m = m:t(), f = core.tensor({ 0.5, i }):to("f32"), n = core.tensor({ 7, i }):to("i64") }
    end
  end)
  test.eq(sweep:trace("loss", 1), { 1, 2, 3 })
  test.eq(sweep:trace("x", 1), { { 1, 2 }, { 2, 4 }, { 3, 6 } })
  test.eq(sweep:trace("m", 1)[2], { 2, 8, 4, 10, 6, 12 })
  test.eq(sweep:trace("f", 1)[3], { 0.5, 3 })
  test.eq(sweep:trace("n", 1)[3], { 7, 3 })
  local dtypes, shapes = {}, {}
  for _, m in ipairs(sweep:metrics()) do dtypes[m.name], shapes[m.name] = m.dtype, m.shape end
  test.eq(dtypes, { f = "f32", loss = "f64", m = "f64", n = "f64", x = "f64" })
  test.eq(shapes.m, { 3, 2 })
end)

test("bad rows are refused by name, and leave no trace", function()
  local sweep = logged(function(book)
    book:log{ loss = 1 }
    test.raises('bad metric name: name is "Loss"', book.log, book, { Loss = 1 })
    test.raises("loss is a boolean", book.log, book, { loss = true })
    test.raises("loss is a table; log the tensors of a tree one by one", book.log, book, { loss = { 1 } })
    test.raises("the file keeps this name for itself: name is status", book.log, book, { status = 1 })
    test.raises("loss_final and loss would share", book.log, book, { loss_final = 1 })
    test.raises("loss is [2], was []", book.log, book, { loss = core.tensor({ 1, 2 }) })
    test.raises("a row needs at least one metric", book.log, book, {})
    test.raises("a metric has a name: key is 1", book.log, book, { 1 })
    test.raises("a step is an integer: step is 1.5", book.log, book, { loss = 1, step = 1.5 })
    test.raises("a row is a table of metrics: row is a number", book.log, book, 3)
    test.raises("result is a number: a is a string", book.result, book, { a = "x" })
    book:log{ loss = 2 }
  end)
  test.eq(sweep:trace("loss", 1), { 1, 2 })
end)

test("calls out of order, and on what is closed, are refused", function()
  local book = logbook(fresh())
  test.raises("no run is open", book.log, book, { loss = 1 })
  test.raises("no run is open", book.finish, book, "done")
  book:begin(1, 1, 7)
  test.raises("has not ended", book.begin, book, 2, 1, 7)
  test.raises("no status of this name", book.finish, book, "finished")
  book:close()
  book:close()
  test.raises("it is closed", book.log, book, { loss = 1 })
  test.raises("sync is a number of seconds", record.logbook, fresh(), 0, { uuid = uuid, sync = "never" })
  test.raises("nowhere", record.logbook, top .. "/nowhere", 0, { uuid = uuid })
end)

test("metric names survive garbage collection: equal texts at other addresses are the same metric", function()
  local sweep = logged(function(book)
    for i = 1, 300 do
      local row = {}
      for k = 1, 12 do row["metric_" .. k] = i end
      row[("a_name_longer_than_what_lua_interns_" .. "x"):rep(2)] = i
      book:log(row)
      if i % 50 == 0 then collectgarbage() end
    end
  end)
  test.eq(#sweep:metrics(), 13)
  test.eq(sweep:final("metric_7"), { 300 })
end)

test("pack, read back, extend after the journals are gone, diff", function()
  local function write(dir, first, last, order)
    local runs = {}
    for id = first, last do runs[#runs + 1] = run(id, { { "decay", id % 2 == 0 and "a b" or "c" }, { "lr", id / 10 } }) end
    append(dir, runs, order)
    local book = logbook(dir)
    for id = first, last do
      book:begin(id, 1, 7, { diverge = { "loss" } })
      for i = 1, 5 + id do book:log{ loss = id / i, x = core.tensor({ id, i }) } end
      book:finish("done", "", 1, 1)
    end
    book:close()
  end
  local old, new, whole, file = fresh(), fresh(), fresh(), top .. "/file.h5"
  write(old, 1, 3, { 1, 2, 3 })
  test.eq(record.pack(assert(record.load(old)), file, { complete = true }), true)
  write(new, 4, 5, { 1, 2, 3, 4, 5 })
  local sweep = assert(record.load(file, new))
  test.eq(#sweep, 5)
  test.eq(record.pack(sweep, file, { complete = true, compress = 2 }), true)
  sweep:close()
  write(whole, 1, 5, { 1, 2, 3, 4, 5 })
  local differences, compared = record.diff(assert(record.load(file)), assert(record.load(whole)))
  test.eq(differences, {})
  test.eq(compared, 5)
  local back = assert(record.load(file))
  test.eq(back:row(2).values, { decay = "a b", lr = 0.2 })
  test.eq(back:trace("x", 5)[10], { 5, 10 })
  test.eq(back:torn(), 0)
end)

test("what cannot be read or written is nil and a message", function()
  local sweep, message = record.load(top .. "/nothing.h5")
  test.eq(sweep, nil)
  test.ok(message:find("nothing.h5", 1, true), message)
  local some = logged(function(book) book:log{ loss = 1 } end)
  local ok, why = record.pack(some, top .. "/no/such/place.h5", {})
  test.eq(ok, nil)
  test.ok(why:find("place.h5", 1, true), why)
  test.raises("valid: rect", record.pack, some, top .. "/a.h5", { layout = "round" })
end)

test("a lock names its holder and is given back", function()
  local dir = top .. "/locked.h5.d"
  local lock = assert(record.lock(dir))
  local second, message = record.lock(dir)
  test.eq(second, nil)
  test.ok(message:find("is being written by process %d+ on host"), message)
  lock:release()
  lock:release()
  local again <close> = assert(record.lock(dir))
end)

test("a torn journal loses its last frame only, and says how much", function()
  local _, dir = logged(function(book) book:log{ loss = 1 } end)
  local path = dir .. "/w0-0.jnl"
  local file = assert(io.open(path, "rb"))
  local bytes = file:read("a")
  file:close()
  file = assert(io.open(path, "wb"))
  file:write(bytes:sub(1, -2))
  file:close()
  local sweep = assert(record.load(dir))
  test.eq(sweep:row(1).status, "running")
  test.ok(sweep:torn() > 0)
  test.eq(sweep:trace("loss", 1), { 1 })
end)

test("identifiers are random, room is a number", function()
  test.ok(record.uuid():find("^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$"))
  test.eq(#record.uuid(), 36)
  test.ok(record.uuid() ~= record.uuid())
  test.ok(record.free_bytes(top) > 0)
  test.eq((record.free_bytes(top .. "/nowhere")), nil)
end)

sys.remove_directory(top)
test.close()
