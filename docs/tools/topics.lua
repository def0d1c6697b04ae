-- The topics in reading order. What comes from the binding names its topic itself; a topic with `files` takes the functions of these files of
-- lua/thalweg that the table at `prefix` publishes, and the methods of the classes among `owners`.
return {
  { title = "Tensors" },
  { title = "Indexing" },
  { title = "Elementwise functions", intro = [[
They act on every element by itself and broadcast; a number takes the dtype of the tensor it meets. Numbers and `i64` become real unless an entry
says that `i64` is kept; `f32` with `f64` is an error. The derivative is what the tangent or cotangent `t` becomes, written with the result `y`.]] },
  { title = "Comparing and choosing", intro = [[
Comparisons give `bool` tensors, which mask, count and select; they have no derivative. `x == y` asks whether two names mean the same tensor, and
`x < y` raises an error.]] },
  { title = "Reductions" },
  { title = "Shapes" },
  { title = "Selecting and sorting" },
  { title = "Products" },
  { title = "Linear algebra" },
  { title = "Network operations" },
  { title = "Random numbers" },
  { title = "Gradients and other transforms", files = { "transforms.lua" }, prefix = "tw" },
  { title = "Trees", files = { "tree.lua" }, prefix = "tw.tree", intro = [[
A tree is a tensor or a (nested) plain table of tensors. Its order is integers ascending, then strings bytewise. Numbers, strings and tensors that
are not real ride along.]] },
  { title = "Optimizers", files = { "optim/init.lua", "optim/optimizer.lua" }, prefix = "tw.optim", owners = { Optimizer = "optimizer" }, intro = [[
`tw.optim.name(params, options)` makes an optimizer for a tree of parameters. `tw.optim.name(options)` without parameters makes a recipe: plain data
that may be a parameter of a sweep. A number among the options may be a schedule, read at the number of steps taken so far.]] },
  { title = "Schedules", files = { "schedule/steps.lua", "schedule/decay.lua", "schedule/cycles.lua", "schedule/compose.lua", "schedule/plateau.lua",
    "schedule.lua", "schedule/class.lua" }, prefix = "tw.schedule", spaces = true,
    owners = { methods = "schedule", Stepper = "stepper" }, intro = [[
Numbers that depend on the step 0, 1, ..., as factors of a base value. They are called like functions, and `+ - * / ^` combine them with numbers and
with each other. A schedule is plain data: it prints as its text and may be a parameter's value.]] },
  { title = "Problems", files = { "problems" }, prefix = "tw.problems", spaces = true, owners = { methods = "problem" }, intro = [[
Test functions of optimisation. A problem is called like a function, `problem(x)`, with a vector of either dtype, and knows its start, its known minimisers
(`problem.minima`, plain arrays), its least value (`problem.value`), its domain, its dimension and its source. It is plain data and may be a parameter's
value. Only tensor operations are used, so every transform goes through.]] },
  { title = "Models", files = { "nn" }, prefix = "tw.nn", spaces = true, intro = [[
A model is plain data and holds no parameters: `model:init(rng)` makes them, `model(params, x)` applies them.]] },
  { title = "Data", files = { "data" }, prefix = "tw.data", intro = [[
A data set is a plain table with `n` examples: `x` [n d], `y` [n], and what belongs to them.]] },
  { title = "Spaces", files = { "space.lua" }, prefix = "tw.space", intro = [[
The values a parameter takes in a sweep. A constructor of schedules, models or optimizers that is given a space anywhere in its options returns the
space of what it would construct.]] },
  { title = "Experiments", files = { "experiment.lua" }, prefix = "tw", renamed = { new = "experiment" }, intro = [[
What a script returns, and what `thalweg run` executes.]] },
  { title = "The run", files = { "runner/object.lua" }, prefix = "tw", owners = { Run = "run" }, intro = [[
The object that an experiment's `run` function receives. `run.params` holds the parameters of this run, `run.seed` depends on the root seed and the
repeat alone, `run.id` is 14 hexadecimal digits.]] },
  { title = "Claims", files = { "claims.lua" }, prefix = "tw", intro = [[
An experiment's `claims = function(sweep, claim) ... end` says what its recorded runs show, and `thalweg verify` checks it. `sweep` holds the runs of the
script's plan. Nothing passes without a measured value: nil, an empty array and NaN fail, and so does a claim that raises an error.]] },
  { title = "Sweeps", files = { "sweep/init.lua" }, prefix = "tw", intro = [[
What is recorded, in Lua: `tw.open` reads a sweep's file, and an experiment's `claims` receive the sweep that was run.]] },
  { title = "The runs of a sweep", files = { "sweep/view.lua", "sweep/statistics.lua" }, prefix = "tw", owners = { Sweep = "sweep" }, intro = [[
`#sweep` counts its runs; `sweep.name`, `sweep.metrics`, `sweep.parameters` (dotted names), `sweep.results`, `sweep.objective` and `sweep.quick` tell about
it. Sweeps never change: a selection is another sweep. In the examples, `sweep` is gradient descent on x^2 / 2 from 1 with `lr` 0.2 and 0.4, two seeds
each.]] },
  { title = "One recorded run", files = { "sweep/recorded.lua" }, prefix = "tw", owners = { Recorded = "recorded" }, intro = [[
What `sweep:runs()` gives: `id`, `status`, `ok`, `seed`, `rep`, `config`, `params` (by dotted name), `text`, `message`, `n_steps`, `wall_time`, and its
trajectory.]] },
  { title = "Statistics", files = { "stats.lua", "distributions.lua" }, prefix = "tw.stats", intro = [[
Of plain arrays of numbers, or vectors. Sums go through the engine's one tree, so that a statistic has the same bits on every machine. A NaN among the
values makes the result NaN; infinite values keep their place.]] },
}
