---@meta thalweg
-- Types for editors with the Lua language server, made by `thalweg lua docs/make_reference.lua`. In .luarc.json: { "workspace.library": ["<this folder>"] }

---@alias thalweg.Dtype "f64"|"f32"|"i64"|"bool"

---@class thalweg.Tensor
---@field shape integer[] sizes of the axes
---@field ndim integer number of axes
---@field size integer number of elements
---@field dtype thalweg.Dtype
---@field [integer|table|thalweg.Tensor] thalweg.Tensor
---@operator add(thalweg.Tensor|number): thalweg.Tensor
---@operator sub(thalweg.Tensor|number): thalweg.Tensor
---@operator mul(thalweg.Tensor|number): thalweg.Tensor
---@operator div(thalweg.Tensor|number): thalweg.Tensor
---@operator mod(thalweg.Tensor|number): thalweg.Tensor
---@operator pow(thalweg.Tensor|number): thalweg.Tensor
---@operator idiv(thalweg.Tensor|number): thalweg.Tensor
---@operator band(thalweg.Tensor|number): thalweg.Tensor
---@operator bor(thalweg.Tensor|number): thalweg.Tensor
---@operator bxor(thalweg.Tensor|number): thalweg.Tensor
---@operator unm: thalweg.Tensor
---@operator bnot: thalweg.Tensor
---@operator len: integer
local Tensor = {}

---@class thalweg.Generator
local Generator = {}

---@class thalweg.Described
---@field kind string label for a column, "exponential"
---@field options table the checked options
---@field text string canonical text, "exponential{rate=0.1}"

---@class thalweg.Space
---@field kind "choice" | "rows" | "build"
---@operator add(any): thalweg.Space
---@operator sub(any): thalweg.Space
---@operator mul(any): thalweg.Space
---@operator div(any): thalweg.Space
---@operator pow(any): thalweg.Space

---@class thalweg.Schedule : thalweg.Described
---@operator call(number): number
---@operator add(number|thalweg.Schedule): thalweg.Schedule
---@operator sub(number|thalweg.Schedule): thalweg.Schedule
---@operator mul(number|thalweg.Schedule): thalweg.Schedule
---@operator div(number|thalweg.Schedule): thalweg.Schedule
---@operator pow(number|thalweg.Schedule): thalweg.Schedule
local Schedule = {}

---@class thalweg.Stepper
---@field stateful boolean does the schedule listen to what is reported?
local Stepper = {}

---@class thalweg.Recipe : thalweg.Described
---@field new fun(self: thalweg.Recipe, params: any): thalweg.Optimizer

---@class thalweg.Optimizer
---@field params any the tree it updates
---@field steps integer steps taken so far
local Optimizer = {}

---@class thalweg.Problem : thalweg.Described
---@field name string
---@field f fun(x: thalweg.Tensor, ...): thalweg.Tensor a 0-d tensor; x is a vector, or a plain array of numbers and 0-d tensors
---@field dimension integer
---@field minima number[][] every known minimiser; empty when there is no closed form
---@field value number at the minimisers; NaN when there is no closed form
---@field domain number[][] { low, high } per coordinate
---@field smooth boolean twice differentiable at the minimisers
---@field interior boolean the minimisers lie inside the domain, so that the gradient vanishes there
local Problem = {}

---@class thalweg.Mode
---@field train? boolean true: dropout drops, batch normalisation takes the batch's own statistics and its running averages follow
---@field rng? thalweg.Generator the generator of what is random in training

---@class thalweg.Model : thalweg.Described
---@field init fun(self, rng: thalweg.Generator): table parameters
---@operator call(table): thalweg.Tensor

---@class thalweg.Dataset
---@field n integer examples
---@field x thalweg.Tensor features, [n d], dtype as asked for
---@field y? thalweg.Tensor [n]: i64 classes 1..K, or real values where the target is numeric
---@field features string[] names of x's columns
---@field target? string name of y's column
---@field classes? string[] what class 1, 2, ... is called in the file
---@field file string the name the script gave

---@class thalweg.Experiment
---@field name string
---@field about string
---@field dtype "f64" | "f32" default dtype inside `run`
---@field units table<string, string> by metric
---@field params table the space tree
---@field where? fun(params: table): boolean
---@field lanes string[] parameters in which runs computed together may differ
---@field repeats integer
---@field diverge string[] metrics whose first non-finite value ends a run
---@field objective { metric: string, goal: "min" | "max", at: "final" | "min" | "max" }
---@field run fun(run: thalweg.Run)
---@field claims? fun(sweep: thalweg.Sweep, claim: function) what `thalweg verify` checks
---@field quick? { params: table, repeats: integer } what --quick changes
---@field is_quick? boolean it is the quick form of another

---@class thalweg.Run
---@field params table the parameters of this run, a copy of its own
---@field seed integer depends on the root seed and the repeat alone
---@field id string 14 hex digits
local Run = {}

---@class thalweg.Sweep
---@field name string the experiment's
---@field about string
---@field metrics string[] in the file's order; another stream's as stream_metric
---@field parameters string[] dotted names, sorted
---@field results string[] what run:result gave, sorted
---@field objective { metric: string, goal: "min"|"max", at: "final"|"min"|"max" }
---@field quick boolean these are the runs of the experiment's quick form
---@operator len: integer
local Sweep = {}

---@class thalweg.Recorded
---@field id string 14 hex digits
---@field status string done, stopped, diverged, failed, crashed, timeout, interrupted, running or pending
---@field ok boolean status is done or stopped
---@field seed integer
---@field rep integer 1, 2, ...: the repeat
---@field config integer 1, 2, ...: the configuration
---@field params table<string, any> its parameters by dotted name; an object by its kind, what it holds by names of its own
---@field text string the parameters as canonical text
---@field message string why it ended, when there is something to say
---@field n_steps integer rows of the default stream
---@field wall_time number seconds
local Recorded = {}

---@class thalweg.Module
local tw = {}

---@class thalweg.module.data
tw.data = {}

---@class thalweg.module.linalg
tw.linalg = {}

---@class thalweg.module.nn
tw.nn = {}

---@class thalweg.module.optim
tw.optim = {}

---@class thalweg.module.problems
tw.problems = {}

---@class thalweg.module.schedule
tw.schedule = {}

---@class thalweg.module.space
tw.space = {}

---@class thalweg.module.stats
tw.stats = {}

---@class thalweg.module.tree
tw.tree = {}

--- `tensor(value [, {dtype}]) -> tensor`
---
--- A tensor from a number, a boolean, or a table of them nested to any depth up to 8; 0-d tensors may stand for numbers. dtype: "f64" (the default
--- outside a run), "f32", "i64", "bool" (what booleans become by themselves). A ragged table and an element of another type are errors.
---@param value any
---@param options? { dtype?: thalweg.Dtype }
---@return thalweg.Tensor
function tw.tensor(value, options) end

--- `zeros(shape... [, {dtype}]) -> tensor`
---
--- A tensor of zeros. The shape is given as numbers or as one table; without any it is 0-d.
---@param ... integer|integer[]|{ dtype?: thalweg.Dtype }
---@return thalweg.Tensor
function tw.zeros(...) end

--- `ones(shape... [, {dtype}]) -> tensor`
---
--- A tensor of ones; otherwise as zeros.
---@param ... integer|integer[]|{ dtype?: thalweg.Dtype }
---@return thalweg.Tensor
function tw.ones(...) end

--- `full({shape}, value [, {dtype}]) -> tensor`
---
--- A tensor with one value everywhere. The shape is a table here, so that it cannot be taken for the value.
---@param shape integer[]
---@param value any
---@param options? { dtype?: thalweg.Dtype }
---@return thalweg.Tensor
function tw.full(shape, value, options) end

--- `eye(n [, {dtype}]) -> tensor`
---
--- The identity matrix [n n].
---@param n integer
---@param options? { dtype?: thalweg.Dtype }
---@return thalweg.Tensor
function tw.eye(n, options) end

--- `arange(last [, {dtype}]) -> tensor`
--- `arange(first, last [, step = 1] [, {dtype}]) -> tensor`
---
--- The numbers from first (1 by default) to last, which is included when it is hit, as in a Lua for loop. A step of 0 is an error.
---
--- Formula: `x_i = first + (i - 1) step`
---@overload fun(first: number, last: number, step?: number, options?: { dtype?: thalweg.Dtype }): thalweg.Tensor
---@param last number
---@param options? { dtype?: thalweg.Dtype }
---@return thalweg.Tensor
function tw.arange(last, options) end

--- `linspace(first, last, n [, {dtype}]) -> tensor`
---
--- n numbers in equal steps, both ends exact.
---@param first number
---@param last number
---@param n integer
---@param options? { dtype?: thalweg.Dtype }
---@return thalweg.Tensor
function tw.linspace(first, last, n, options) end

--- `logspace(first, last, n [, {dtype}]) -> tensor`
---
--- n numbers in equal ratios, both ends exact and positive. (The ends themselves are given, not their exponents.)
---@param first number
---@param last number
---@param n integer
---@param options? { dtype?: thalweg.Dtype }
---@return thalweg.Tensor
function tw.logspace(first, last, n, options) end

--- `is_tensor(value) -> boolean`
---
--- Whether a value is a tensor.
---@param value any
---@return boolean
function tw.is_tensor(value) end

--- `item(x) -> number | integer | boolean`
---
--- The value of a tensor with one element as a Lua value. Another number of elements is an error.
---@param x thalweg.Tensor|number
---@return number|integer|boolean
function tw.item(x) end

--- `item(x) -> number | integer | boolean`
---
--- The value of a tensor with one element as a Lua value. Another number of elements is an error.
---@return number|integer|boolean
function Tensor:item() end

--- `table(x) -> table | number | integer | boolean`
---
--- The elements as nested Lua tables; of a 0-d tensor its value. Writing this out costs a Lua value per element.
---@param x thalweg.Tensor|number
---@return table|number|integer|boolean
function tw.table(x) end

--- `table(x) -> table | number | integer | boolean`
---
--- The elements as nested Lua tables; of a 0-d tensor its value. Writing this out costs a Lua value per element.
---@return table|number|integer|boolean
function Tensor:table() end

--- `to(x, dtype) -> tensor`
---
--- The tensor in another dtype: "f64", "f32", "i64" or "bool"; x itself when it has that one. Reals are truncated towards zero on their way to i64, where
--- NaN and what does not fit become 0; bool is x ~= 0. Differentiable between f64 and f32.
---@param x thalweg.Tensor|number
---@param dtype thalweg.Dtype
---@return thalweg.Tensor
function tw.to(x, dtype) end

--- `to(x, dtype) -> tensor`
---
--- The tensor in another dtype: "f64", "f32", "i64" or "bool"; x itself when it has that one. Reals are truncated towards zero on their way to i64, where
--- NaN and what does not fit become 0; bool is x ~= 0. Differentiable between f64 and f32.
---@param dtype thalweg.Dtype
---@return thalweg.Tensor
function Tensor:to(dtype) end

--- `clone(x) -> tensor`
---
--- A copy with memory of its own. The gradient passes through.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.clone(x) end

--- `clone(x) -> tensor`
---
--- A copy with memory of its own. The gradient passes through.
---@return thalweg.Tensor
function Tensor:clone() end

--- `assign(x, y) -> x`
---
--- Writes y into x in place: y is a number or a tensor that broadcasts to x's shape, and is converted to its dtype. Views of x see it. y enters as a
--- plain value: no gradient flows through. Inside a differentiated function it is allowed for tensors made outside; inside a run tensors made before it
--- are read-only.
---@param x thalweg.Tensor|number
---@param y thalweg.Tensor|number
---@return thalweg.Tensor
function tw.assign(x, y) end

--- `assign(x, y) -> x`
---
--- Writes y into x in place: y is a number or a tensor that broadcasts to x's shape, and is converted to its dtype. Views of x see it. y enters as a
--- plain value: no gradient flows through. Inside a differentiated function it is allowed for tensors made outside; inside a run tensors made before it
--- are read-only.
---@param y thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:assign(y) end

--- `fill(x, value) -> x`
---
--- Writes one value everywhere: assign under another name.
---@param x thalweg.Tensor|number
---@param value any
---@return thalweg.Tensor
function tw.fill(x, value) end

--- `fill(x, value) -> x`
---
--- Writes one value everywhere: assign under another name.
---@param value any
---@return thalweg.Tensor
function Tensor:fill(value) end

--- `stop_gradient(x) -> tensor`
---
--- The same values as a constant: nothing flows back through it, at any level of differentiation.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.stop_gradient(x) end

--- `stop_gradient(x) -> tensor`
---
--- The same values as a constant: nothing flows back through it, at any level of differentiation.
---@return thalweg.Tensor
function Tensor:stop_gradient() end

--- `keep(x) -> x`
---
--- Makes a tensor outlive the function that made it. What is made inside a differentiated function or tw.scope is released when that returns, except its
--- results and what was kept; using a released tensor is an error that says so.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.keep(x) end

--- `keep(x) -> x`
---
--- Makes a tensor outlive the function that made it. What is made inside a differentiated function or tw.scope is released when that returns, except its
--- results and what was kept; using a released tensor is an error that says so.
---@return thalweg.Tensor
function Tensor:keep() end

--- `save(path, tree)`
---
--- Writes a tree of tensors, numbers, strings and booleans to a file, crash-safe: the file appears whole or the old one stays. Views are written as the
--- elements they show; a tensor at two places of the tree is one again when loaded. Functions, userdata and tables with a metatable are errors that name
--- their place.
---@param path string
---@param tree any
function tw.save(path, tree) end

--- `load(path) -> tree`
---
--- The tree that tw.save wrote: the same dtypes, shapes, bits, integers and floats. A file that is no saved tree, cut short or damaged is an error that
--- says so.
---@param path string
---@return any
function tw.load(path) end

--- `narrow(x, axis, first, n) -> tensor`
---
--- A view of n consecutive elements of an axis, from the given place on. What does not fit is an error.
---@param x thalweg.Tensor|number
---@param axis integer
---@param first number
---@param n integer
---@return thalweg.Tensor
function tw.narrow(x, axis, first, n) end

--- `narrow(x, axis, first, n) -> tensor`
---
--- A view of n consecutive elements of an axis, from the given place on. What does not fit is an error.
---@param axis integer
---@param first number
---@param n integer
---@return thalweg.Tensor
function Tensor:narrow(axis, first, n) end

--- `index_select(x, axis, index) -> tensor`
---
--- The slices along an axis that an index tensor names: i64, counted from 1 (negative from the end), of any shape, which takes the axis' place in the
--- result; or a bool mask over the axis. A copy; in the gradient what was taken several times is added up. An index outside 1..n is an error.
---@param x thalweg.Tensor|number
---@param axis integer
---@param index thalweg.Tensor
---@return thalweg.Tensor
function tw.index_select(x, axis, index) end

--- `index_select(x, axis, index) -> tensor`
---
--- The slices along an axis that an index tensor names: i64, counted from 1 (negative from the end), of any shape, which takes the axis' place in the
--- result; or a bool mask over the axis. A copy; in the gradient what was taken several times is added up. An index outside 1..n is an error.
---@param axis integer
---@param index thalweg.Tensor
---@return thalweg.Tensor
function Tensor:index_select(axis, index) end

--- `neg(x) -> tensor`
---
--- The function `-x`.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.neg(x) end

--- `neg(x) -> tensor`
---
--- The function `-x`.
---@return thalweg.Tensor
function Tensor:neg() end

--- `abs(x) -> tensor`
---
--- The function `|x|`.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.abs(x) end

--- `abs(x) -> tensor`
---
--- The function `|x|`.
---@return thalweg.Tensor
function Tensor:abs() end

--- `sign(x) -> tensor`
---
--- -1, 0 or 1; NaN stays NaN.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.sign(x) end

--- `sign(x) -> tensor`
---
--- -1, 0 or 1; NaN stays NaN.
---@return thalweg.Tensor
function Tensor:sign() end

--- `square(x) -> tensor`
---
--- The function `x^2`.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.square(x) end

--- `square(x) -> tensor`
---
--- The function `x^2`.
---@return thalweg.Tensor
function Tensor:square() end

--- `reciprocal(x) -> tensor`
---
--- The function `1/x`.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.reciprocal(x) end

--- `reciprocal(x) -> tensor`
---
--- The function `1/x`.
---@return thalweg.Tensor
function Tensor:reciprocal() end

--- `sqrt(x) -> tensor`
---
--- Square root, correctly rounded.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.sqrt(x) end

--- `sqrt(x) -> tensor`
---
--- Square root, correctly rounded.
---@return thalweg.Tensor
function Tensor:sqrt() end

--- `rsqrt(x) -> tensor`
---
--- The function `1/sqrt(x)`.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.rsqrt(x) end

--- `rsqrt(x) -> tensor`
---
--- The function `1/sqrt(x)`.
---@return thalweg.Tensor
function Tensor:rsqrt() end

--- `exp(x) -> tensor`
---
--- The function `e^x`.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.exp(x) end

--- `exp(x) -> tensor`
---
--- The function `e^x`.
---@return thalweg.Tensor
function Tensor:exp() end

--- `expm1(x) -> tensor`
---
--- The function `e^x - 1`, accurate near 0.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.expm1(x) end

--- `expm1(x) -> tensor`
---
--- The function `e^x - 1`, accurate near 0.
---@return thalweg.Tensor
function Tensor:expm1() end

--- `log(x) -> tensor`
---
--- Natural logarithm.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.log(x) end

--- `log(x) -> tensor`
---
--- Natural logarithm.
---@return thalweg.Tensor
function Tensor:log() end

--- `log1p(x) -> tensor`
---
--- The function `log(1 + x)`, accurate near 0.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.log1p(x) end

--- `log1p(x) -> tensor`
---
--- The function `log(1 + x)`, accurate near 0.
---@return thalweg.Tensor
function Tensor:log1p() end

--- `sin(x) -> tensor`
---
--- Sine of x radians.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.sin(x) end

--- `sin(x) -> tensor`
---
--- Sine of x radians.
---@return thalweg.Tensor
function Tensor:sin() end

--- `cos(x) -> tensor`
---
--- Cosine of x radians.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.cos(x) end

--- `cos(x) -> tensor`
---
--- Cosine of x radians.
---@return thalweg.Tensor
function Tensor:cos() end

--- `tan(x) -> tensor`
---
--- Tangent of x radians.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.tan(x) end

--- `tan(x) -> tensor`
---
--- Tangent of x radians.
---@return thalweg.Tensor
function Tensor:tan() end

--- `asin(x) -> tensor`
---
--- Inverse sine, in radians.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.asin(x) end

--- `asin(x) -> tensor`
---
--- Inverse sine, in radians.
---@return thalweg.Tensor
function Tensor:asin() end

--- `acos(x) -> tensor`
---
--- Inverse cosine, in radians.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.acos(x) end

--- `acos(x) -> tensor`
---
--- Inverse cosine, in radians.
---@return thalweg.Tensor
function Tensor:acos() end

--- `atan(x) -> tensor`
---
--- Inverse tangent, in radians.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.atan(x) end

--- `atan(x) -> tensor`
---
--- Inverse tangent, in radians.
---@return thalweg.Tensor
function Tensor:atan() end

--- `sinh(x) -> tensor`
---
--- Hyperbolic sine.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.sinh(x) end

--- `sinh(x) -> tensor`
---
--- Hyperbolic sine.
---@return thalweg.Tensor
function Tensor:sinh() end

--- `cosh(x) -> tensor`
---
--- Hyperbolic cosine.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.cosh(x) end

--- `cosh(x) -> tensor`
---
--- Hyperbolic cosine.
---@return thalweg.Tensor
function Tensor:cosh() end

--- `tanh(x) -> tensor`
---
--- Hyperbolic tangent.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.tanh(x) end

--- `tanh(x) -> tensor`
---
--- Hyperbolic tangent.
---@return thalweg.Tensor
function Tensor:tanh() end

--- `erf(x) -> tensor`
---
--- Error function 2/sqrt(pi) int_0^x e^(-u^2) du.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.erf(x) end

--- `erf(x) -> tensor`
---
--- Error function 2/sqrt(pi) int_0^x e^(-u^2) du.
---@return thalweg.Tensor
function Tensor:erf() end

--- `sigmoid(x) -> tensor`
---
--- The function `1 / (1 + e^-x)`.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.sigmoid(x) end

--- `sigmoid(x) -> tensor`
---
--- The function `1 / (1 + e^-x)`.
---@return thalweg.Tensor
function Tensor:sigmoid() end

--- `log_sigmoid(x) -> tensor`
---
--- The function `log(sigmoid(x))` without overflow.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.log_sigmoid(x) end

--- `log_sigmoid(x) -> tensor`
---
--- The function `log(sigmoid(x))` without overflow.
---@return thalweg.Tensor
function Tensor:log_sigmoid() end

--- `softplus(x) -> tensor`
---
--- The function `log(1 + e^x)` without overflow.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.softplus(x) end

--- `softplus(x) -> tensor`
---
--- The function `log(1 + e^x)` without overflow.
---@return thalweg.Tensor
function Tensor:softplus() end

--- `relu(x) -> tensor`
---
--- The function `max(x, 0)`; derivative 1(x > 0).
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.relu(x) end

--- `relu(x) -> tensor`
---
--- The function `max(x, 0)`; derivative 1(x > 0).
---@return thalweg.Tensor
function Tensor:relu() end

--- `silu(x) -> tensor`
---
--- The function `x sigmoid(x)`.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.silu(x) end

--- `silu(x) -> tensor`
---
--- The function `x sigmoid(x)`.
---@return thalweg.Tensor
function Tensor:silu() end

--- `gelu(x) -> tensor`
---
--- The function `x Phi(x)`, Phi the normal distribution function.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.gelu(x) end

--- `gelu(x) -> tensor`
---
--- The function `x Phi(x)`, Phi the normal distribution function.
---@return thalweg.Tensor
function Tensor:gelu() end

--- `floor(x) -> tensor`
---
--- Largest integer <= x.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.floor(x) end

--- `floor(x) -> tensor`
---
--- Largest integer <= x.
---@return thalweg.Tensor
function Tensor:floor() end

--- `ceil(x) -> tensor`
---
--- Smallest integer >= x.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.ceil(x) end

--- `ceil(x) -> tensor`
---
--- Smallest integer >= x.
---@return thalweg.Tensor
function Tensor:ceil() end

--- `round(x) -> tensor`
---
--- Nearest integer, halves to even.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.round(x) end

--- `round(x) -> tensor`
---
--- Nearest integer, halves to even.
---@return thalweg.Tensor
function Tensor:round() end

--- `trunc(x) -> tensor`
---
--- The integer part, towards 0.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.trunc(x) end

--- `trunc(x) -> tensor`
---
--- The integer part, towards 0.
---@return thalweg.Tensor
function Tensor:trunc() end

--- `exp2(x) -> tensor`
---
--- The function `2^x`.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.exp2(x) end

--- `exp2(x) -> tensor`
---
--- The function `2^x`.
---@return thalweg.Tensor
function Tensor:exp2() end

--- `log2(x) -> tensor`
---
--- Logarithm to the base 2.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.log2(x) end

--- `log2(x) -> tensor`
---
--- Logarithm to the base 2.
---@return thalweg.Tensor
function Tensor:log2() end

--- `log10(x) -> tensor`
---
--- Logarithm to the base 10.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.log10(x) end

--- `log10(x) -> tensor`
---
--- Logarithm to the base 10.
---@return thalweg.Tensor
function Tensor:log10() end

--- `cbrt(x) -> tensor`
---
--- Cube root, of negative numbers too.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.cbrt(x) end

--- `cbrt(x) -> tensor`
---
--- Cube root, of negative numbers too.
---@return thalweg.Tensor
function Tensor:cbrt() end

--- `asinh(x) -> tensor`
---
--- Inverse hyperbolic sine.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.asinh(x) end

--- `asinh(x) -> tensor`
---
--- Inverse hyperbolic sine.
---@return thalweg.Tensor
function Tensor:asinh() end

--- `acosh(x) -> tensor`
---
--- Inverse hyperbolic cosine, >= 0.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.acosh(x) end

--- `acosh(x) -> tensor`
---
--- Inverse hyperbolic cosine, >= 0.
---@return thalweg.Tensor
function Tensor:acosh() end

--- `atanh(x) -> tensor`
---
--- Inverse hyperbolic tangent.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.atanh(x) end

--- `atanh(x) -> tensor`
---
--- Inverse hyperbolic tangent.
---@return thalweg.Tensor
function Tensor:atanh() end

--- `erfc(x) -> tensor`
---
--- The function `1 - erf(x)`, accurate for large x.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.erfc(x) end

--- `erfc(x) -> tensor`
---
--- The function `1 - erf(x)`, accurate for large x.
---@return thalweg.Tensor
function Tensor:erfc() end

--- `hardtanh(x) -> tensor`
---
--- The function `clamp(x, -1, 1)`.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.hardtanh(x) end

--- `hardtanh(x) -> tensor`
---
--- The function `clamp(x, -1, 1)`.
---@return thalweg.Tensor
function Tensor:hardtanh() end

--- `hardsigmoid(x) -> tensor`
---
--- The function `clamp((x + 3) / 6, 0, 1)`.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.hardsigmoid(x) end

--- `hardsigmoid(x) -> tensor`
---
--- The function `clamp((x + 3) / 6, 0, 1)`.
---@return thalweg.Tensor
function Tensor:hardsigmoid() end

--- `selu(x) -> tensor`
---
--- Scaled elu: 1.0507 x where x > 0, else 1.7581 (e^x - 1)
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.selu(x) end

--- `selu(x) -> tensor`
---
--- Scaled elu: 1.0507 x where x > 0, else 1.7581 (e^x - 1)
---@return thalweg.Tensor
function Tensor:selu() end

--- `mish(x) -> tensor`
---
--- The function `x tanh(softplus(x))`.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.mish(x) end

--- `mish(x) -> tensor`
---
--- The function `x tanh(softplus(x))`.
---@return thalweg.Tensor
function Tensor:mish() end

--- `add(a, b) -> tensor`
---
--- The function `a + b`.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.add(a, b) end

--- `add(a, b) -> tensor`
---
--- The function `a + b`.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:add(b) end

--- `sub(a, b) -> tensor`
---
--- The function `a - b`.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.sub(a, b) end

--- `sub(a, b) -> tensor`
---
--- The function `a - b`.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:sub(b) end

--- `mul(a, b) -> tensor`
---
--- The function `a b`, element by element.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.mul(a, b) end

--- `mul(a, b) -> tensor`
---
--- The function `a b`, element by element.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:mul(b) end

--- `div(a, b) -> tensor`
---
--- The function `a / b`.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.div(a, b) end

--- `div(a, b) -> tensor`
---
--- The function `a / b`.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:div(b) end

--- `pow(a, b) -> tensor`
---
--- The function `a^b`.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.pow(a, b) end

--- `pow(a, b) -> tensor`
---
--- The function `a^b`.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:pow(b) end

--- `maximum(a, b) -> tensor`
---
--- The larger; ties share the gradient; NaN wins.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.maximum(a, b) end

--- `maximum(a, b) -> tensor`
---
--- The larger; ties share the gradient; NaN wins.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:maximum(b) end

--- `minimum(a, b) -> tensor`
---
--- The smaller; ties share the gradient; NaN wins.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.minimum(a, b) end

--- `minimum(a, b) -> tensor`
---
--- The smaller; ties share the gradient; NaN wins.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:minimum(b) end

--- `atan2(a, b) -> tensor`
---
--- Angle of the point (b, a), in radians.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.atan2(a, b) end

--- `atan2(a, b) -> tensor`
---
--- Angle of the point (b, a), in radians.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:atan2(b) end

--- `hypot(a, b) -> tensor`
---
--- The function `sqrt(a^2 + b^2)` without overflow.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.hypot(a, b) end

--- `hypot(a, b) -> tensor`
---
--- The function `sqrt(a^2 + b^2)` without overflow.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:hypot(b) end

--- `logaddexp(a, b) -> tensor`
---
--- The function `log(e^a + e^b)` without overflow.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.logaddexp(a, b) end

--- `logaddexp(a, b) -> tensor`
---
--- The function `log(e^a + e^b)` without overflow.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:logaddexp(b) end

--- `xlogy(a, b) -> tensor`
---
--- The function `a log(b)`, 0 where a is 0.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.xlogy(a, b) end

--- `xlogy(a, b) -> tensor`
---
--- The function `a log(b)`, 0 where a is 0.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:xlogy(b) end

--- `copysign(a, b) -> tensor`
---
--- The magnitude of a with the sign of b.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.copysign(a, b) end

--- `copysign(a, b) -> tensor`
---
--- The magnitude of a with the sign of b.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:copysign(b) end

--- `fmod(a, b) -> tensor`
---
--- The function `a - trunc(a / b) b`, exact; the sign is a's.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.fmod(a, b) end

--- `fmod(a, b) -> tensor`
---
--- The function `a - trunc(a / b) b`, exact; the sign is a's.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:fmod(b) end

--- `remainder(a, b) -> tensor`
---
--- The function `a - floor(a / b) b`, exact but for one rounding; the sign is b's, as in Lua's a % b.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.remainder(a, b) end

--- `remainder(a, b) -> tensor`
---
--- The function `a - floor(a / b) b`, exact but for one rounding; the sign is b's, as in Lua's a % b.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:remainder(b) end

--- `floor_divide(a, b) -> tensor`
---
--- The function `floor(a / b)`, as Lua's a // b.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.floor_divide(a, b) end

--- `floor_divide(a, b) -> tensor`
---
--- The function `floor(a / b)`, as Lua's a // b.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:floor_divide(b) end

--- `clamp_min(a, b) -> tensor`
---
--- The larger of a and the bound b; at a tie the gradient is a's; NaN wins.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.clamp_min(a, b) end

--- `clamp_min(a, b) -> tensor`
---
--- The larger of a and the bound b; at a tie the gradient is a's; NaN wins.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:clamp_min(b) end

--- `clamp_max(a, b) -> tensor`
---
--- The smaller of a and the bound b; at a tie the gradient is a's; NaN wins.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.clamp_max(a, b) end

--- `clamp_max(a, b) -> tensor`
---
--- The smaller of a and the bound b; at a tie the gradient is a's; NaN wins.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:clamp_max(b) end

--- `leaky_relu(x [, slope = 0.01]) -> tensor`
---
--- x where x > 0, else slope x; the slope may be a tensor and has a gradient.
---@param x thalweg.Tensor|number
---@param slope? thalweg.Tensor|number
---@return thalweg.Tensor
function tw.leaky_relu(x, slope) end

--- `leaky_relu(x [, slope = 0.01]) -> tensor`
---
--- x where x > 0, else slope x; the slope may be a tensor and has a gradient.
---@param slope? thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:leaky_relu(slope) end

--- `elu(x [, alpha = 1]) -> tensor`
---
--- x where x > 0, else alpha (e^x - 1); alpha may be a tensor and has a gradient.
---@param x thalweg.Tensor|number
---@param alpha? thalweg.Tensor|number
---@return thalweg.Tensor
function tw.elu(x, alpha) end

--- `elu(x [, alpha = 1]) -> tensor`
---
--- x where x > 0, else alpha (e^x - 1); alpha may be a tensor and has a gradient.
---@param alpha? thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:elu(alpha) end

--- `clamp(x, low, high) -> tensor`
---
--- x, but at least low and at most high: numbers or tensors that broadcast; either may be nil. The gradient is x's where x is within the bounds or on
--- them, the bound's elsewhere. NaN stays NaN.
---@param x thalweg.Tensor|number
---@param low integer
---@param high integer
---@return thalweg.Tensor
function tw.clamp(x, low, high) end

--- `clamp(x, low, high) -> tensor`
---
--- x, but at least low and at most high: numbers or tensors that broadcast; either may be nil. The gradient is x's where x is within the bounds or on
--- them, the bound's elsewhere. NaN stays NaN.
---@param low integer
---@param high integer
---@return thalweg.Tensor
function Tensor:clamp(low, high) end

--- `lt(a, b) -> bool tensor`
---
--- The function `a < b`.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.lt(a, b) end

--- `lt(a, b) -> bool tensor`
---
--- The function `a < b`.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:lt(b) end

--- `le(a, b) -> bool tensor`
---
--- The function `a <= b`.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.le(a, b) end

--- `le(a, b) -> bool tensor`
---
--- The function `a <= b`.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:le(b) end

--- `gt(a, b) -> bool tensor`
---
--- The function `a > b`.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.gt(a, b) end

--- `gt(a, b) -> bool tensor`
---
--- The function `a > b`.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:gt(b) end

--- `ge(a, b) -> bool tensor`
---
--- The function `a >= b`.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.ge(a, b) end

--- `ge(a, b) -> bool tensor`
---
--- The function `a >= b`.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:ge(b) end

--- `eq(a, b) -> bool tensor`
---
--- The function `a == b`, element by element.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.eq(a, b) end

--- `eq(a, b) -> bool tensor`
---
--- The function `a == b`, element by element.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:eq(b) end

--- `ne(a, b) -> bool tensor`
---
--- The function `a != b`, element by element.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.ne(a, b) end

--- `ne(a, b) -> bool tensor`
---
--- The function `a != b`, element by element.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:ne(b) end

--- `logical_and(a, b) -> bool tensor`
---
--- True where both are (numbers: where they are not 0); the operator is &.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.logical_and(a, b) end

--- `logical_and(a, b) -> bool tensor`
---
--- True where both are (numbers: where they are not 0); the operator is &.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:logical_and(b) end

--- `logical_or(a, b) -> bool tensor`
---
--- True where one of the two is (numbers: where it is not 0); the operator is |.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.logical_or(a, b) end

--- `logical_or(a, b) -> bool tensor`
---
--- True where one of the two is (numbers: where it is not 0); the operator is |.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:logical_or(b) end

--- `logical_xor(a, b) -> bool tensor`
---
--- True where exactly one of the two is (numbers: where it is not 0); the operator is ~.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.logical_xor(a, b) end

--- `logical_xor(a, b) -> bool tensor`
---
--- True where exactly one of the two is (numbers: where it is not 0); the operator is ~.
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:logical_xor(b) end

--- `isnan(x) -> bool tensor`
---
--- True where x is NaN.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.isnan(x) end

--- `isnan(x) -> bool tensor`
---
--- True where x is NaN.
---@return thalweg.Tensor
function Tensor:isnan() end

--- `isfinite(x) -> bool tensor`
---
--- True where x is neither infinite nor NaN.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.isfinite(x) end

--- `isfinite(x) -> bool tensor`
---
--- True where x is neither infinite nor NaN.
---@return thalweg.Tensor
function Tensor:isfinite() end

--- `isinf(x) -> bool tensor`
---
--- True where x is infinite, of either sign.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.isinf(x) end

--- `isinf(x) -> bool tensor`
---
--- True where x is infinite, of either sign.
---@return thalweg.Tensor
function Tensor:isinf() end

--- `logical_not(x) -> bool tensor`
---
--- True where x is false (a number: where it is 0); the operator is ~x.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.logical_not(x) end

--- `logical_not(x) -> bool tensor`
---
--- True where x is false (a number: where it is 0); the operator is ~x.
---@return thalweg.Tensor
function Tensor:logical_not() end

--- `where(mask, a, b) -> tensor`
---
--- a where the mask is true, else b. The three broadcast; the mask is a bool tensor, as comparisons give it; a and b are tensors or numbers and are
--- brought to one dtype as in arithmetic. The gradient of an element goes to the one that was chosen. f32 with f64 is an error, and so is a mask that is
--- not bool.
---@param mask thalweg.Tensor
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.where(mask, a, b) end

--- `where(mask, a, b) -> tensor`
---
--- a where the mask is true, else b. The three broadcast; the mask is a bool tensor, as comparisons give it; a and b are tensors or numbers and are
--- brought to one dtype as in arithmetic. The gradient of an element goes to the one that was chosen. f32 with f64 is an error, and so is a mask that is
--- not bool.
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:where(a, b) end

--- `sum(x [, axis | {axes}] [, {keepdim = false}]) -> tensor`
---
--- The sum over one axis, several, or all of them; keepdim leaves the axes with size 1. Over no elements it is 0. f64, f32 and i64 (which wraps around)
--- keep their dtype; a bool tensor is an error: count with x:to("i64"):sum(). The order of adding is fixed whatever the layout: blocks of 128 elements in
--- row-major order, eight interleaved partial sums in each, blocks pairwise.
---@param x thalweg.Tensor|number
---@param axis? integer|integer[]
---@param options? { keepdim?: boolean }
---@return thalweg.Tensor
function tw.sum(x, axis, options) end

--- `sum(x [, axis | {axes}] [, {keepdim = false}]) -> tensor`
---
--- The sum over one axis, several, or all of them; keepdim leaves the axes with size 1. Over no elements it is 0. f64, f32 and i64 (which wraps around)
--- keep their dtype; a bool tensor is an error: count with x:to("i64"):sum(). The order of adding is fixed whatever the layout: blocks of 128 elements in
--- row-major order, eight interleaved partial sums in each, blocks pairwise.
---@param axis? integer|integer[]
---@param options? { keepdim?: boolean }
---@return thalweg.Tensor
function Tensor:sum(axis, options) end

--- `prod(x [, axis | {axes}] [, {keepdim = false}]) -> tensor`
---
--- The product over axes, as sum adds; over no elements it is 1. The gradient is exact also where an element is 0; a bool tensor is an error.
---@param x thalweg.Tensor|number
---@param axis? integer|integer[]
---@param options? { keepdim?: boolean }
---@return thalweg.Tensor
function tw.prod(x, axis, options) end

--- `prod(x [, axis | {axes}] [, {keepdim = false}]) -> tensor`
---
--- The product over axes, as sum adds; over no elements it is 1. The gradient is exact also where an element is 0; a bool tensor is an error.
---@param axis? integer|integer[]
---@param options? { keepdim?: boolean }
---@return thalweg.Tensor
function Tensor:prod(axis, options) end

--- `max(x [, axis | {axes}] [, {keepdim = false}]) -> tensor`
---
--- The largest element over axes; NaN wins. The gradient is shared equally among ties. f64, f32, i64; an axis of size 0 and a bool tensor are errors.
--- argmax gives the place; maximum compares two tensors.
---@param x thalweg.Tensor|number
---@param axis? integer|integer[]
---@param options? { keepdim?: boolean }
---@return thalweg.Tensor
function tw.max(x, axis, options) end

--- `max(x [, axis | {axes}] [, {keepdim = false}]) -> tensor`
---
--- The largest element over axes; NaN wins. The gradient is shared equally among ties. f64, f32, i64; an axis of size 0 and a bool tensor are errors.
--- argmax gives the place; maximum compares two tensors.
---@param axis? integer|integer[]
---@param options? { keepdim?: boolean }
---@return thalweg.Tensor
function Tensor:max(axis, options) end

--- `min(x [, axis | {axes}] [, {keepdim = false}]) -> tensor`
---
--- The smallest element over axes; otherwise as max.
---@param x thalweg.Tensor|number
---@param axis? integer|integer[]
---@param options? { keepdim?: boolean }
---@return thalweg.Tensor
function tw.min(x, axis, options) end

--- `min(x [, axis | {axes}] [, {keepdim = false}]) -> tensor`
---
--- The smallest element over axes; otherwise as max.
---@param axis? integer|integer[]
---@param options? { keepdim?: boolean }
---@return thalweg.Tensor
function Tensor:min(axis, options) end

--- `argmax(x [, axis] [, {keepdim = false}]) -> i64 tensor`
---
--- The place of the largest element along an axis, counted from 1, the first of equal ones; without an axis the place in the row-major sequence. NaN
--- counts as largest. No gradient. An axis of size 0 and a bool tensor are errors.
---@param x thalweg.Tensor|number
---@param axis? integer
---@param options? { keepdim?: boolean }
---@return thalweg.Tensor
function tw.argmax(x, axis, options) end

--- `argmax(x [, axis] [, {keepdim = false}]) -> i64 tensor`
---
--- The place of the largest element along an axis, counted from 1, the first of equal ones; without an axis the place in the row-major sequence. NaN
--- counts as largest. No gradient. An axis of size 0 and a bool tensor are errors.
---@param axis? integer
---@param options? { keepdim?: boolean }
---@return thalweg.Tensor
function Tensor:argmax(axis, options) end

--- `argmin(x [, axis] [, {keepdim = false}]) -> i64 tensor`
---
--- The place of the smallest element; otherwise as argmax.
---@param x thalweg.Tensor|number
---@param axis? integer
---@param options? { keepdim?: boolean }
---@return thalweg.Tensor
function tw.argmin(x, axis, options) end

--- `argmin(x [, axis] [, {keepdim = false}]) -> i64 tensor`
---
--- The place of the smallest element; otherwise as argmax.
---@param axis? integer
---@param options? { keepdim?: boolean }
---@return thalweg.Tensor
function Tensor:argmin(axis, options) end

--- `mean(x [, axis | {axes}] [, {keepdim = false}]) -> tensor`
---
--- The sum over axes divided by the number of elements; NaN over none. i64 and bool become the default real dtype first, so that the mean of a mask is
--- the share of trues.
---@param x thalweg.Tensor|number
---@param axis? integer|integer[]
---@param options? { keepdim?: boolean }
---@return thalweg.Tensor
function tw.mean(x, axis, options) end

--- `mean(x [, axis | {axes}] [, {keepdim = false}]) -> tensor`
---
--- The sum over axes divided by the number of elements; NaN over none. i64 and bool become the default real dtype first, so that the mean of a mask is
--- the share of trues.
---@param axis? integer|integer[]
---@param options? { keepdim?: boolean }
---@return thalweg.Tensor
function Tensor:mean(axis, options) end

--- `var(x [, axis | {axes}] [, {keepdim = false, correction = 1}]) -> tensor`
---
--- The variance over axes. correction = 1 divides by n - 1 (the unbiased estimate), 0 by n.
---
--- Formula: `sum (x - mean)^2 / (n - correction)`
---@param x thalweg.Tensor|number
---@param axis? integer|integer[]
---@param options? { keepdim?: boolean, correction?: number }
---@return thalweg.Tensor
function tw.var(x, axis, options) end

--- `var(x [, axis | {axes}] [, {keepdim = false, correction = 1}]) -> tensor`
---
--- The variance over axes. correction = 1 divides by n - 1 (the unbiased estimate), 0 by n.
---
--- Formula: `sum (x - mean)^2 / (n - correction)`
---@param axis? integer|integer[]
---@param options? { keepdim?: boolean, correction?: number }
---@return thalweg.Tensor
function Tensor:var(axis, options) end

--- `std(x [, axis | {axes}] [, {keepdim = false, correction = 1}]) -> tensor`
---
--- The standard deviation over axes: the root of var.
---@param x thalweg.Tensor|number
---@param axis? integer|integer[]
---@param options? { keepdim?: boolean, correction?: number }
---@return thalweg.Tensor
function tw.std(x, axis, options) end

--- `std(x [, axis | {axes}] [, {keepdim = false, correction = 1}]) -> tensor`
---
--- The standard deviation over axes: the root of var.
---@param axis? integer|integer[]
---@param options? { keepdim?: boolean, correction?: number }
---@return thalweg.Tensor
function Tensor:std(axis, options) end

--- `logsumexp(x [, axis | {axes}] [, {keepdim = false}]) -> tensor`
---
--- log(sum(exp(x))) over axes without overflow. Its gradient is the softmax. Real tensors with at least one element along the axes.
---
--- Formula: `m + log sum exp(x - m), m = max x`
---@param x thalweg.Tensor|number
---@param axis? integer|integer[]
---@param options? { keepdim?: boolean }
---@return thalweg.Tensor
function tw.logsumexp(x, axis, options) end

--- `logsumexp(x [, axis | {axes}] [, {keepdim = false}]) -> tensor`
---
--- log(sum(exp(x))) over axes without overflow. Its gradient is the softmax. Real tensors with at least one element along the axes.
---
--- Formula: `m + log sum exp(x - m), m = max x`
---@param axis? integer|integer[]
---@param options? { keepdim?: boolean }
---@return thalweg.Tensor
function Tensor:logsumexp(axis, options) end

--- `norm(x [, axis | {axes}] [, {p = 2, keepdim = false}]) -> tensor`
---
--- The p-norm of the elements over axes, all where none is named (a matrix: Frobenius). p: math.huge for the largest magnitude, -math.huge for the
--- smallest, 0 counts what is not 0. The 2-norm of zeros has gradient 0.
---
--- Formula: `(sum |x_i|^p)^(1/p)`
---@param x thalweg.Tensor|number
---@param axis? integer|integer[]
---@param options? { p?: number, keepdim?: boolean }
---@return thalweg.Tensor
function tw.norm(x, axis, options) end

--- `norm(x [, axis | {axes}] [, {p = 2, keepdim = false}]) -> tensor`
---
--- The p-norm of the elements over axes, all where none is named (a matrix: Frobenius). p: math.huge for the largest magnitude, -math.huge for the
--- smallest, 0 counts what is not 0. The 2-norm of zeros has gradient 0.
---
--- Formula: `(sum |x_i|^p)^(1/p)`
---@param axis? integer|integer[]
---@param options? { p?: number, keepdim?: boolean }
---@return thalweg.Tensor
function Tensor:norm(axis, options) end

--- `all(x [, axis | {axes}] [, {keepdim = false}]) -> bool tensor`
---
--- Whether every element is true; a number counts as true unless it is 0. True of no elements.
---@param x thalweg.Tensor|number
---@param axis? integer|integer[]
---@param options? { keepdim?: boolean }
---@return thalweg.Tensor
function tw.all(x, axis, options) end

--- `all(x [, axis | {axes}] [, {keepdim = false}]) -> bool tensor`
---
--- Whether every element is true; a number counts as true unless it is 0. True of no elements.
---@param axis? integer|integer[]
---@param options? { keepdim?: boolean }
---@return thalweg.Tensor
function Tensor:all(axis, options) end

--- `any(x [, axis | {axes}] [, {keepdim = false}]) -> bool tensor`
---
--- Whether some element is true; a number counts as true unless it is 0. False of no elements.
---@param x thalweg.Tensor|number
---@param axis? integer|integer[]
---@param options? { keepdim?: boolean }
---@return thalweg.Tensor
function tw.any(x, axis, options) end

--- `any(x [, axis | {axes}] [, {keepdim = false}]) -> bool tensor`
---
--- Whether some element is true; a number counts as true unless it is 0. False of no elements.
---@param axis? integer|integer[]
---@param options? { keepdim?: boolean }
---@return thalweg.Tensor
function Tensor:any(axis, options) end

--- `cumsum(x [, axis]) -> tensor`
---
--- The sums of the first 1, 2, ... elements along an axis (which may be left out for a vector); shape and dtype are x's. Element i is bit for bit the sum
--- of the first i elements, so the last one is x:sum(axis): one order of adding for both, whatever the layout.
---
--- Formula: `y_i = x_1 + ... + x_i`
---@param x thalweg.Tensor|number
---@param axis? integer
---@return thalweg.Tensor
function tw.cumsum(x, axis) end

--- `cumsum(x [, axis]) -> tensor`
---
--- The sums of the first 1, 2, ... elements along an axis (which may be left out for a vector); shape and dtype are x's. Element i is bit for bit the sum
--- of the first i elements, so the last one is x:sum(axis): one order of adding for both, whatever the layout.
---
--- Formula: `y_i = x_1 + ... + x_i`
---@param axis? integer
---@return thalweg.Tensor
function Tensor:cumsum(axis) end

--- `cumprod(x [, axis]) -> tensor`
---
--- The products of the first 1, 2, ... elements along an axis (which may be left out for a vector). Element i is bit for bit the product of the first i
--- elements. The derivative is right where elements are 0.
---
--- Formula: `y_i = x_1 ... x_i`
---@param x thalweg.Tensor|number
---@param axis? integer
---@return thalweg.Tensor
function tw.cumprod(x, axis) end

--- `cumprod(x [, axis]) -> tensor`
---
--- The products of the first 1, 2, ... elements along an axis (which may be left out for a vector). Element i is bit for bit the product of the first i
--- elements. The derivative is right where elements are 0.
---
--- Formula: `y_i = x_1 ... x_i`
---@param axis? integer
---@return thalweg.Tensor
function Tensor:cumprod(axis) end

--- `reshape(x, shape...) -> tensor`
---
--- The same elements, in row-major order, under another shape; one size may be -1 and follows from the others. A view where the layout allows it, else a
--- copy. Another number of elements is an error.
---@param x thalweg.Tensor|number
---@param ... integer|integer[]
---@return thalweg.Tensor
function tw.reshape(x, ...) end

--- `reshape(x, shape...) -> tensor`
---
--- The same elements, in row-major order, under another shape; one size may be -1 and follows from the others. A view where the layout allows it, else a
--- copy. Another number of elements is an error.
---@param ... integer|integer[]
---@return thalweg.Tensor
function Tensor:reshape(...) end

--- `transpose(x [, axis, axis]) -> tensor`
---
--- A view with two axes exchanged, by default the last two; a tensor with fewer than two axes is itself.
---@param x thalweg.Tensor|number
---@param axis? integer
---@param axis2? integer
---@return thalweg.Tensor
function tw.transpose(x, axis, axis2) end

--- `transpose(x [, axis, axis]) -> tensor`
---
--- A view with two axes exchanged, by default the last two; a tensor with fewer than two axes is itself.
---@param axis? integer
---@param axis2? integer
---@return thalweg.Tensor
function Tensor:transpose(axis, axis2) end

--- `t(x [, axis, axis]) -> tensor`
---
--- The same as transpose.
---@param x thalweg.Tensor|number
---@param axis? integer
---@param axis2? integer
---@return thalweg.Tensor
function tw.t(x, axis, axis2) end

--- `t(x [, axis, axis]) -> tensor`
---
--- The same as transpose.
---@param axis? integer
---@param axis2? integer
---@return thalweg.Tensor
function Tensor:t(axis, axis2) end

--- `permute(x, axes...) -> tensor`
---
--- A view with the axes in another order: axis i of the result is the i-th named one of x. Every axis must be named once; negative ones count from the
--- end.
---@param x thalweg.Tensor|number
---@param ... integer|integer[]
---@return thalweg.Tensor
function tw.permute(x, ...) end

--- `permute(x, axes...) -> tensor`
---
--- A view with the axes in another order: axis i of the result is the i-th named one of x. Every axis must be named once; negative ones count from the
--- end.
---@param ... integer|integer[]
---@return thalweg.Tensor
function Tensor:permute(...) end

--- `expand(x, shape...) -> tensor`
---
--- A view in which axes of size 1 are repeated to the given sizes and new axes stand on the left; -1 keeps a size. Nothing is copied; the gradient is
--- summed over what was repeated. Any other axis can only keep its size. Arithmetic broadcasts by itself; this is for where a shape must be seen.
---@param x thalweg.Tensor|number
---@param ... integer|integer[]
---@return thalweg.Tensor
function tw.expand(x, ...) end

--- `expand(x, shape...) -> tensor`
---
--- A view in which axes of size 1 are repeated to the given sizes and new axes stand on the left; -1 keeps a size. Nothing is copied; the gradient is
--- summed over what was repeated. Any other axis can only keep its size. Arithmetic broadcasts by itself; this is for where a shape must be seen.
---@param ... integer|integer[]
---@return thalweg.Tensor
function Tensor:expand(...) end

--- `unsqueeze(x, axis) -> tensor`
---
--- A view with a new axis of size 1, which is then the given axis of the result. More than 8 axes are an error.
---@param x thalweg.Tensor|number
---@param axis integer
---@return thalweg.Tensor
function tw.unsqueeze(x, axis) end

--- `unsqueeze(x, axis) -> tensor`
---
--- A view with a new axis of size 1, which is then the given axis of the result. More than 8 axes are an error.
---@param axis integer
---@return thalweg.Tensor
function Tensor:unsqueeze(axis) end

--- `squeeze(x [, axis | {axes}]) -> tensor`
---
--- A view without the given axes, which must have size 1; without an argument all axes of size 1 go.
---@param x thalweg.Tensor|number
---@param axis? integer|integer[]
---@return thalweg.Tensor
function tw.squeeze(x, axis) end

--- `squeeze(x [, axis | {axes}]) -> tensor`
---
--- A view without the given axes, which must have size 1; without an argument all axes of size 1 go.
---@param axis? integer|integer[]
---@return thalweg.Tensor
function Tensor:squeeze(axis) end

--- `cat({tensors} [, axis = 1]) -> tensor`
---
--- The tensors one after another along an axis. All other sizes and the dtypes must agree.
---@param tensors thalweg.Tensor[]
---@param axis? integer
---@return thalweg.Tensor
function tw.cat(tensors, axis) end

--- `stack({tensors} [, axis = 1]) -> tensor`
---
--- Tensors of one shape and dtype side by side along a new axis.
---@param tensors thalweg.Tensor[]
---@param axis? integer
---@return thalweg.Tensor
function tw.stack(tensors, axis) end

--- `split(x, size | {sizes} [, axis = 1]) -> table of tensors`
---
--- Cuts x along an axis into parts of a size (the last may be smaller) or of the sizes listed, which must add up. The parts are views; tw.cat(parts,
--- axis) is x again.
---@param x thalweg.Tensor|number
---@param size integer|{ sizes?: any }
---@param axis? integer
---@return any
function tw.split(x, size, axis) end

--- `split(x, size | {sizes} [, axis = 1]) -> table of tensors`
---
--- Cuts x along an axis into parts of a size (the last may be smaller) or of the sizes listed, which must add up. The parts are views; tw.cat(parts,
--- axis) is x again.
---@param size integer|{ sizes?: any }
---@param axis? integer
---@return any
function Tensor:split(size, axis) end

--- `flip(x [, axis | {axes}]) -> tensor`
---
--- The elements in reverse order along axes, all of them where none is named. A view.
---@param x thalweg.Tensor|number
---@param axis? integer|integer[]
---@return thalweg.Tensor
function tw.flip(x, axis) end

--- `flip(x [, axis | {axes}]) -> tensor`
---
--- The elements in reverse order along axes, all of them where none is named. A view.
---@param axis? integer|integer[]
---@return thalweg.Tensor
function Tensor:flip(axis) end

--- `diag(x [, k = 0]) -> tensor`
---
--- Of a matrix its k-th diagonal (column - row = k), a view; of a vector the square matrix that has it as its k-th diagonal.
---@param x thalweg.Tensor|number
---@param k? integer
---@return thalweg.Tensor
function tw.diag(x, k) end

--- `diag(x [, k = 0]) -> tensor`
---
--- Of a matrix its k-th diagonal (column - row = k), a view; of a vector the square matrix that has it as its k-th diagonal.
---@param k? integer
---@return thalweg.Tensor
function Tensor:diag(k) end

--- `tril(x [, k = 0]) -> tensor`
---
--- The lower triangle of the last two axes: zero where column - row > k.
---@param x thalweg.Tensor|number
---@param k? integer
---@return thalweg.Tensor
function tw.tril(x, k) end

--- `tril(x [, k = 0]) -> tensor`
---
--- The lower triangle of the last two axes: zero where column - row > k.
---@param k? integer
---@return thalweg.Tensor
function Tensor:tril(k) end

--- `triu(x [, k = 0]) -> tensor`
---
--- The upper triangle of the last two axes: zero where column - row < k.
---@param x thalweg.Tensor|number
---@param k? integer
---@return thalweg.Tensor
function tw.triu(x, k) end

--- `triu(x [, k = 0]) -> tensor`
---
--- The upper triangle of the last two axes: zero where column - row < k.
---@param k? integer
---@return thalweg.Tensor
function Tensor:triu(k) end

--- `sort(x [, axis = -1] [, {descending = false}]) -> values, indices`
---
--- The elements in ascending order along an axis, and the 1-based places they come from (i64). Stable: equal elements keep their order, descending too.
--- NaN stands above every number: last in ascending order, first in descending. Any dtype; the values are differentiable.
---@param x thalweg.Tensor|number
---@param axis? integer
---@param options? { descending?: boolean }
---@return thalweg.Tensor
---@return thalweg.Tensor indices
function tw.sort(x, axis, options) end

--- `sort(x [, axis = -1] [, {descending = false}]) -> values, indices`
---
--- The elements in ascending order along an axis, and the 1-based places they come from (i64). Stable: equal elements keep their order, descending too.
--- NaN stands above every number: last in ascending order, first in descending. Any dtype; the values are differentiable.
---@param axis? integer
---@param options? { descending?: boolean }
---@return thalweg.Tensor
---@return thalweg.Tensor indices
function Tensor:sort(axis, options) end

--- `argsort(x [, axis = -1] [, {descending = false}]) -> indices`
---
--- The places that sort returns, without the values: x:gather(axis, x:argsort(axis)) is sorted.
---@param x thalweg.Tensor|number
---@param axis? integer
---@param options? { descending?: boolean }
---@return thalweg.Tensor indices
function tw.argsort(x, axis, options) end

--- `argsort(x [, axis = -1] [, {descending = false}]) -> indices`
---
--- The places that sort returns, without the values: x:gather(axis, x:argsort(axis)) is sorted.
---@param axis? integer
---@param options? { descending?: boolean }
---@return thalweg.Tensor indices
function Tensor:argsort(axis, options) end

--- `topk(x, k [, axis = -1] [, {largest = true}]) -> values, indices`
---
--- The k largest (smallest) elements along an axis, in order, and their 1-based places; of equal ones the first. NaN counts as the largest. The values
--- are differentiable.
---@param x thalweg.Tensor|number
---@param k integer
---@param axis? integer
---@param options? { largest?: boolean }
---@return thalweg.Tensor
---@return thalweg.Tensor indices
function tw.topk(x, k, axis, options) end

--- `topk(x, k [, axis = -1] [, {largest = true}]) -> values, indices`
---
--- The k largest (smallest) elements along an axis, in order, and their 1-based places; of equal ones the first. NaN counts as the largest. The values
--- are differentiable.
---@param k integer
---@param axis? integer
---@param options? { largest?: boolean }
---@return thalweg.Tensor
---@return thalweg.Tensor indices
function Tensor:topk(k, axis, options) end

--- `gather(x, axis, index) -> tensor`
---
--- Along an axis, the element that each index names: y[i][j] = x[index[i][j]][j] for axis 1. index: i64, 1-based (negative from the end), with as many
--- axes as x and no other axis longer than x's; the result has its shape. An index outside the axis is an error. The adjoint is scatter_add.
---@param x thalweg.Tensor|number
---@param axis integer
---@param index thalweg.Tensor
---@return thalweg.Tensor
function tw.gather(x, axis, index) end

--- `gather(x, axis, index) -> tensor`
---
--- Along an axis, the element that each index names: y[i][j] = x[index[i][j]][j] for axis 1. index: i64, 1-based (negative from the end), with as many
--- axes as x and no other axis longer than x's; the result has its shape. An index outside the axis is an error. The adjoint is scatter_add.
---@param axis integer
---@param index thalweg.Tensor
---@return thalweg.Tensor
function Tensor:gather(axis, index) end

--- `scatter_add(x, axis, index, source) -> tensor`
---
--- A copy of x with each element of source added at the place its index names along an axis. index: as for gather; source: of index's shape and x's
--- dtype, or a number. What several indices send to one place is added one after the other, in the order along the axis. Differentiable in x and source.
---@param x thalweg.Tensor|number
---@param axis integer
---@param index thalweg.Tensor
---@param source any
---@return thalweg.Tensor
function tw.scatter_add(x, axis, index, source) end

--- `scatter_add(x, axis, index, source) -> tensor`
---
--- A copy of x with each element of source added at the place its index names along an axis. index: as for gather; source: of index's shape and x's
--- dtype, or a number. What several indices send to one place is added one after the other, in the order along the axis. Differentiable in x and source.
---@param axis integer
---@param index thalweg.Tensor
---@param source any
---@return thalweg.Tensor
function Tensor:scatter_add(axis, index, source) end

--- `one_hot(index [, classes] [, {dtype}]) -> tensor`
---
--- For every class 1..classes (i64) a row that is 1 at that place and 0 elsewhere: the result has one axis more. Without a number of classes the largest
--- index counts. The dtype is the default one of reals.
---@param index thalweg.Tensor
---@param classes? integer
---@param options? { dtype?: thalweg.Dtype }
---@return thalweg.Tensor
function tw.one_hot(index, classes, options) end

--- `one_hot(index [, classes] [, {dtype}]) -> tensor`
---
--- For every class 1..classes (i64) a row that is 1 at that place and 0 elsewhere: the result has one axis more. Without a number of classes the largest
--- index counts. The dtype is the default one of reals.
---@param classes? integer
---@param options? { dtype?: thalweg.Dtype }
---@return thalweg.Tensor
function Tensor:one_hot(classes, options) end

--- `matmul(a, b) -> tensor`
---
--- The matrix product of a [... M K] and b [... K N]: [... M N]; leading axes broadcast. A vector on the left is a row, on the right a column, and its
--- axis goes again: matrix times vector is a vector, vector times vector a 0-d tensor. Both real and of one dtype; inner sizes that differ are an error.
--- An element's bits do not depend on where it stands, on the layout or on what is computed beside it.
---
--- Formula: `c_ij = fma(a_ik, b_kj, c_ij) for k = 1..K in order, from 0`
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.matmul(a, b) end

--- `matmul(a, b) -> tensor`
---
--- The matrix product of a [... M K] and b [... K N]: [... M N]; leading axes broadcast. A vector on the left is a row, on the right a column, and its
--- axis goes again: matrix times vector is a vector, vector times vector a 0-d tensor. Both real and of one dtype; inner sizes that differ are an error.
--- An element's bits do not depend on where it stands, on the layout or on what is computed beside it.
---
--- Formula: `c_ij = fma(a_ik, b_kj, c_ij) for k = 1..K in order, from 0`
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:matmul(b) end

--- `dot(a, b) -> tensor`
---
--- The inner product of two real vectors of one length, 0-d.
---
--- Formula: `sum a_i b_i, as matmul adds`
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.dot(a, b) end

--- `dot(a, b) -> tensor`
---
--- The inner product of two real vectors of one length, 0-d.
---
--- Formula: `sum a_i b_i, as matmul adds`
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function Tensor:dot(b) end

--- `einsum(spec, x, ...) -> tensor`
---
--- Products of tensors with named axes, summed over the names the result lacks: "ij,jk->ik" is the matrix product. A letter per axis; a letter said twice
--- takes the diagonal; without -> the result has the letters said once, in alphabetical order; ... stands for any further axes, which broadcast. Any
--- number of tensors, real and of one dtype. Pairs are contracted, always the one with the smallest result, each by one batched matrix product, whose sum
--- runs over the summed letters in the order in which the spec first says them.
---@param spec string
---@param x thalweg.Tensor|number
---@param ... any
---@return thalweg.Tensor
function tw.einsum(spec, x, ...) end

--- `solve(a, b) -> x`
---
--- The solution of a x = b for square a[.. N N] and b[N] or b[.. N K], f64 or f32, by LU factorisation with partial pivoting. Leading axes broadcast; a
--- matrix used for several right-hand sides is factored once. A vector is only what has one axis: a batch of vectors is b:unsqueeze(-1). A singular
--- matrix is an error.
---
--- Formula: `x = a^-1 b; db = a^-T dx, da = -db x^T`
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@return thalweg.Tensor
function tw.linalg.solve(a, b) end

--- `triangular_solve(a, b [, {upper = false, transpose = false, unit = false}]) -> x`
---
--- The solution of a x = b, or of a^T x = b, where only one triangle of a[.. N N] is read; unit: its diagonal counts as ones. b[N] or b[.. N K]; leading
--- axes broadcast. A zero on the diagonal is an error. The gradient by a is zero outside the triangle.
---
--- Formula: `x = a^-1 b; db = a^-T dx, da = -tri(db x^T)`
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@param options? { upper?: boolean, transpose?: boolean, unit?: boolean }
---@return thalweg.Tensor
function tw.linalg.triangular_solve(a, b, options) end

--- `cholesky(a) -> l`
---
--- Lower triangular l with a = l l^T for symmetric positive definite a[.. N N]. Only the lower triangle of a is read, and the gradient is symmetric, that
--- of a -> cholesky((a + a^T) / 2). A matrix that is not positive definite is an error.
---
--- Formula: `da = sym(l^-T P(l^T dl) l^-1), P: the lower triangle with its diagonal halved`
---@param a thalweg.Tensor|number
---@return thalweg.Tensor l
function tw.linalg.cholesky(a) end

--- `eigh(a) -> w, v`
---
--- Eigenvalues w[.. N], ascending, and orthonormal eigenvectors in the columns of v[.. N N] of a symmetric matrix: a = v diag(w) v^T. Only the lower
--- triangle is read, and the gradient is symmetric. Signs: in each column the first entry whose magnitude comes within a factor 1 - 2^-10 of the column's
--- largest is positive. Vectors have no derivative where eigenvalues repeat, and asking for it is an error; eigvalsh has one. NaN and infinities are an
--- error.
---
--- Formula: `da = v (diag(dw) + F * (v^T dv)) v^T, F[i j] = 1 / (w[j] - w[i]) off the diagonal`
---@param a thalweg.Tensor|number
---@return thalweg.Tensor w
---@return thalweg.Tensor v
function tw.linalg.eigh(a) end

--- `eigvalsh(a) -> w`
---
--- The eigenvalues alone, with the same bits as eigh's; differentiable also where they repeat (each then has one of its possible derivatives; symmetric
--- functions of them have the right one).
---
--- Formula: `da = v diag(dw) v^T`
---@param a thalweg.Tensor|number
---@return thalweg.Tensor w
function tw.linalg.eigvalsh(a) end

--- `svd(a) -> u, s, vt`
---
--- The reduced singular value decomposition a = u diag(s) vt of a[.. M N]: u[.. M P], s[.. P] descending, vt[.. P N], P = min(M, N). Signs: each column
--- of u as in eigh. Vectors have no derivative where singular values repeat, nor where one is 0 and a is not square; asking for it is an error; svdvals
--- has one. NaN and infinities are an error.
---
--- Formula: `da = u (diag(ds) + (F * skew(u^T du)) diag(s) + diag(s) (F * skew(v^T dv))) vt + (1 - u u^T) du diag(1/s) vt + u diag(1/s) dvt (1 - v v^T), F[i j] = 1 / (s[j]^2 - s[i]^2) off the diagonal`
---@param a thalweg.Tensor|number
---@return thalweg.Tensor u
---@return thalweg.Tensor s
---@return thalweg.Tensor vt
function tw.linalg.svd(a) end

--- `svdvals(a) -> s`
---
--- The singular values alone, with the same bits as svd's; differentiable also where they repeat (as eigvalsh).
---
--- Formula: `da = u diag(ds) vt`
---@param a thalweg.Tensor|number
---@return thalweg.Tensor s
function tw.linalg.svdvals(a) end

--- `qr(a) -> q, r`
---
--- The reduced QR factorisation a = q r of a[.. M N]: q[.. M P] with orthonormal columns, r[.. P N] upper triangular with a diagonal >= 0, P = min(M, N).
--- No derivative where the first P columns depend on each other: asking for it is an error.
---
--- Formula: `da = (dq + q copyltu(r dr^T - dq^T q)) r^-T, copyltu: the lower triangle mirrored upwards`
---@param a thalweg.Tensor|number
---@return thalweg.Tensor q
---@return thalweg.Tensor r
function tw.linalg.qr(a) end

--- `inverse(a) -> x`
---
--- The inverse of a[.. N N]; to solve a system, solve is quicker and more accurate. A singular matrix is an error.
---
--- Formula: `da = -x^T dx x^T`
---@param a thalweg.Tensor|number
---@return thalweg.Tensor
function tw.linalg.inverse(a) end

--- `pinv(a [, {rcond = eps max(M, N)}]) -> p`
---
--- The Moore-Penrose pseudo-inverse p[.. N M] of a[.. M N]; singular values up to rcond times the largest count as 0. No derivative below full rank:
--- asking for it is an error.
---
--- Formula: `dp = -p da p + p p^T da^T (1 - a p) + (1 - p a) da^T p^T p`
---@param a thalweg.Tensor|number
---@param options? { rcond?: any }
---@return thalweg.Tensor p
function tw.linalg.pinv(a, options) end

--- `det(a) -> determinant`
---
--- The determinant of a[.. N N], a tensor of the leading axes. At a singular matrix it is 0, and asking for its derivative is an error.
---
--- Formula: `da = ddet det a^-T`
---@param a thalweg.Tensor|number
---@return thalweg.Tensor determinant
function tw.linalg.det(a) end

--- `slogdet(a) -> sign, logabs`
---
--- The determinant of a[.. N N] as its sign and the logarithm of its magnitude, which neither overflow: 0 and -inf at a singular matrix, where there is
--- no derivative.
---
--- Formula: `da = dlogabs a^-T`
---@param a thalweg.Tensor|number
---@return thalweg.Tensor sign
---@return thalweg.Tensor logabs
function tw.linalg.slogdet(a) end

--- `lstsq(a, b [, {rcond = eps max(M, N)}]) -> x, residuals, rank, s`
---
--- The shortest x that makes |b - a x| least, for a[.. M N] and b[M] or b[.. M K]; leading axes broadcast. residuals: the sums of squares of b - a x by
--- columns; rank: i64, of the leading axes; s: the singular values, of which those up to rcond times the largest count as 0. No derivative by a below
--- full rank: asking for it is an error.
---
--- Formula: `x = pinv(a) b; db = pinv(a)^T dx`
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@param options? { rcond?: any }
---@return thalweg.Tensor
---@return thalweg.Tensor residuals
---@return thalweg.Tensor rank
---@return thalweg.Tensor s
function tw.linalg.lstsq(a, b, options) end

--- `norm(x [, order] [, {axis = axis | {axis, axis}, keepdim = false}]) -> tensor`
---
--- The norm of a vector, or of the matrices in the last two axes (or in those named). order of a vector: a number, default 2; math.huge is the largest
--- magnitude, 0 counts what is not 0. order of a matrix: "fro" (default), "nuc" (the sum of the singular values), 1 and math.huge (largest column and row
--- sum of magnitudes), 2 (largest singular value), and the negatives of these three for the smallest. At 0 the derivative is 0.
---
--- Formula: `(sum |x|^order)^(1/order)`
---@param x thalweg.Tensor|number
---@param order? any
---@param options? { axis?: any, keepdim?: boolean }
---@return thalweg.Tensor
function tw.linalg.norm(x, order, options) end

--- `cond(a [, order = 2]) -> tensor`
---
--- The condition number of a[.. M N]: the quotient of the largest and the smallest singular value, infinite for a matrix without full rank; in another
--- norm (see norm) that of a square matrix times that of its inverse.
---
--- Formula: `|a| |a^-1|`
---@param a thalweg.Tensor|number
---@param order? any
---@return thalweg.Tensor
function tw.linalg.cond(a, order) end

--- `matrix_power(a, n) -> tensor`
---
--- The n-th power of a[.. N N], n a whole number; a negative one is a power of the inverse, the 0-th is the identity.
---
--- Formula: `a a ... a, by repeated squaring`
---@param a thalweg.Tensor|number
---@param n integer
---@return thalweg.Tensor
function tw.linalg.matrix_power(a, n) end

--- `linear(x, weight [, bias [, activation]]) -> tensor`
---
--- An affine map of the last axis: x [... K], weight [K N], bias [N], result [... N]. Real, one dtype. The activation is the name of an elementwise
--- function of one tensor; the bits are those of that function called on the map. With relu, tanh and sigmoid the two are one operation, and faster.
---
--- Formula: `f(x W + b)`
---@param x thalweg.Tensor|number
---@param weight thalweg.Tensor
---@param bias? thalweg.Tensor
---@param activation? any
---@return thalweg.Tensor
function tw.linear(x, weight, bias, activation) end

--- `linear(x, weight [, bias [, activation]]) -> tensor`
---
--- An affine map of the last axis: x [... K], weight [K N], bias [N], result [... N]. Real, one dtype. The activation is the name of an elementwise
--- function of one tensor; the bits are those of that function called on the map. With relu, tanh and sigmoid the two are one operation, and faster.
---
--- Formula: `f(x W + b)`
---@param weight thalweg.Tensor
---@param bias? thalweg.Tensor
---@param activation? any
---@return thalweg.Tensor
function Tensor:linear(weight, bias, activation) end

--- `softmax(x [, axis = -1]) -> tensor`
---
--- Positive numbers that sum to 1 along an axis. Real tensors with at least one axis.
---
--- Formula: `exp(x_i) / sum_j exp(x_j), as exp(log_softmax(x))`
---@param x thalweg.Tensor|number
---@param axis? integer
---@return thalweg.Tensor
function tw.softmax(x, axis) end

--- `softmax(x [, axis = -1]) -> tensor`
---
--- Positive numbers that sum to 1 along an axis. Real tensors with at least one axis.
---
--- Formula: `exp(x_i) / sum_j exp(x_j), as exp(log_softmax(x))`
---@param axis? integer
---@return thalweg.Tensor
function Tensor:softmax(axis) end

--- `log_softmax(x [, axis = -1]) -> tensor`
---
--- The logarithm of softmax along an axis, without overflow.
---
--- Formula: `x_i - m - log sum_j exp(x_j - m), m = max x`
---@param x thalweg.Tensor|number
---@param axis? integer
---@return thalweg.Tensor
function tw.log_softmax(x, axis) end

--- `log_softmax(x [, axis = -1]) -> tensor`
---
--- The logarithm of softmax along an axis, without overflow.
---
--- Formula: `x_i - m - log sum_j exp(x_j - m), m = max x`
---@param axis? integer
---@return thalweg.Tensor
function Tensor:log_softmax(axis) end

--- `conv1d(x, w [, b] [, {stride = 1, padding = 0}]) -> tensor`
---
--- Convolution of signals x [N C L] with kernels w [O C k] to [N O L'], L' = floor((L + 2 padding - k) / stride) + 1; b [O] is added where it is given.
--- Outside the signal there are zeros. x, w and b are real and of one dtype. Products add up in the order of (c, j), as in matmul.
---
--- Formula: `y[n, o, p] = b[o] + sum_{c, j} w[o, c, j] x[n, c, p stride + j - padding], counted from 0 (cross-correlation: the kernel is not flipped)`
---@param x thalweg.Tensor|number
---@param w thalweg.Tensor
---@param b? thalweg.Tensor|number
---@param options? { stride?: number, padding?: number }
---@return thalweg.Tensor
function tw.conv1d(x, w, b, options) end

--- `conv1d(x, w [, b] [, {stride = 1, padding = 0}]) -> tensor`
---
--- Convolution of signals x [N C L] with kernels w [O C k] to [N O L'], L' = floor((L + 2 padding - k) / stride) + 1; b [O] is added where it is given.
--- Outside the signal there are zeros. x, w and b are real and of one dtype. Products add up in the order of (c, j), as in matmul.
---
--- Formula: `y[n, o, p] = b[o] + sum_{c, j} w[o, c, j] x[n, c, p stride + j - padding], counted from 0 (cross-correlation: the kernel is not flipped)`
---@param w thalweg.Tensor
---@param b? thalweg.Tensor|number
---@param options? { stride?: number, padding?: number }
---@return thalweg.Tensor
function Tensor:conv1d(w, b, options) end

--- `conv2d(x, w [, b] [, {stride = 1, padding = 0}]) -> tensor`
---
--- Convolution of images x [N C H W] with kernels w [O C kh kw] to [N O H' W'], H' = floor((H + 2 padding - kh) / stride) + 1; b [O] is added where it is
--- given. stride and padding are numbers or pairs {rows, columns}; outside the image there are zeros. x, w and b are real and of one dtype. Products add
--- up in the order of (c, i, j), as in matmul.
---
--- Formula: `y[n, o, p, q] = b[o] + sum_{c, i, j} w[o, c, i, j] x[n, c, p stride + i - padding, q stride + j - padding], counted from 0 (cross-correlation: the kernel is not flipped)`
---@param x thalweg.Tensor|number
---@param w thalweg.Tensor
---@param b? thalweg.Tensor|number
---@param options? { stride?: number, padding?: number }
---@return thalweg.Tensor
function tw.conv2d(x, w, b, options) end

--- `conv2d(x, w [, b] [, {stride = 1, padding = 0}]) -> tensor`
---
--- Convolution of images x [N C H W] with kernels w [O C kh kw] to [N O H' W'], H' = floor((H + 2 padding - kh) / stride) + 1; b [O] is added where it is
--- given. stride and padding are numbers or pairs {rows, columns}; outside the image there are zeros. x, w and b are real and of one dtype. Products add
--- up in the order of (c, i, j), as in matmul.
---
--- Formula: `y[n, o, p, q] = b[o] + sum_{c, i, j} w[o, c, i, j] x[n, c, p stride + i - padding, q stride + j - padding], counted from 0 (cross-correlation: the kernel is not flipped)`
---@param w thalweg.Tensor
---@param b? thalweg.Tensor|number
---@param options? { stride?: number, padding?: number }
---@return thalweg.Tensor
function Tensor:conv2d(w, b, options) end

--- `max_pool(x, window [, {stride = window, padding = 0}]) -> tensor`
---
--- The largest element of each window of x [N C H W], to [N C H' W'], or of x [N C L], to [N C L']; window, stride and padding are numbers or pairs
--- {rows, columns}. The padding, at most half the window, never wins. The gradient goes to the first among equals; NaN wins.
---@param x thalweg.Tensor|number
---@param window any
---@param options? { stride?: any, padding?: number }
---@return thalweg.Tensor
function tw.max_pool(x, window, options) end

--- `max_pool(x, window [, {stride = window, padding = 0}]) -> tensor`
---
--- The largest element of each window of x [N C H W], to [N C H' W'], or of x [N C L], to [N C L']; window, stride and padding are numbers or pairs
--- {rows, columns}. The padding, at most half the window, never wins. The gradient goes to the first among equals; NaN wins.
---@param window any
---@param options? { stride?: any, padding?: number }
---@return thalweg.Tensor
function Tensor:max_pool(window, options) end

--- `avg_pool(x, window [, {stride = window, padding = 0}]) -> tensor`
---
--- The mean of each window of x [N C H W], to [N C H' W'], or of x [N C L], to [N C L']; window, stride and padding are numbers or pairs {rows, columns}.
--- Padding counts as zeros, as in PyTorch.
---
--- Formula: `sum of the window / size of the window`
---@param x thalweg.Tensor|number
---@param window any
---@param options? { stride?: any, padding?: number }
---@return thalweg.Tensor
function tw.avg_pool(x, window, options) end

--- `avg_pool(x, window [, {stride = window, padding = 0}]) -> tensor`
---
--- The mean of each window of x [N C H W], to [N C H' W'], or of x [N C L], to [N C L']; window, stride and padding are numbers or pairs {rows, columns}.
--- Padding counts as zeros, as in PyTorch.
---
--- Formula: `sum of the window / size of the window`
---@param window any
---@param options? { stride?: any, padding?: number }
---@return thalweg.Tensor
function Tensor:avg_pool(window, options) end

--- `mse(a, b [, {reduction = "mean"}]) -> tensor`
---
--- Mean squared error of a against b. One of them broadcasts to the other; either may be a number. reduction: "mean" over all elements, "sum", or "none":
--- one loss for each element. Differentiable in both.
---
--- Formula: `mean (a - b)^2`
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@param options? { reduction?: string }
---@return thalweg.Tensor
function tw.mse(a, b, options) end

--- `mse(a, b [, {reduction = "mean"}]) -> tensor`
---
--- Mean squared error of a against b. One of them broadcasts to the other; either may be a number. reduction: "mean" over all elements, "sum", or "none":
--- one loss for each element. Differentiable in both.
---
--- Formula: `mean (a - b)^2`
---@param b thalweg.Tensor|number
---@param options? { reduction?: string }
---@return thalweg.Tensor
function Tensor:mse(b, options) end

--- `l1(a, b [, {reduction = "mean"}]) -> tensor`
---
--- Mean absolute error; arguments as in mse. The derivative at a = b is 0.
---
--- Formula: `mean |a - b|`
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@param options? { reduction?: string }
---@return thalweg.Tensor
function tw.l1(a, b, options) end

--- `l1(a, b [, {reduction = "mean"}]) -> tensor`
---
--- Mean absolute error; arguments as in mse. The derivative at a = b is 0.
---
--- Formula: `mean |a - b|`
---@param b thalweg.Tensor|number
---@param options? { reduction?: string }
---@return thalweg.Tensor
function Tensor:l1(b, options) end

--- `huber(a, b [, {delta = 1, reduction = "mean"}]) -> tensor`
---
--- Squared near 0, absolute beyond delta; arguments as in mse.
---
--- Formula: `mean of d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2), d = a - b`
---@param a thalweg.Tensor|number
---@param b thalweg.Tensor|number
---@param options? { delta?: number, reduction?: string }
---@return thalweg.Tensor
function tw.huber(a, b, options) end

--- `huber(a, b [, {delta = 1, reduction = "mean"}]) -> tensor`
---
--- Squared near 0, absolute beyond delta; arguments as in mse.
---
--- Formula: `mean of d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2), d = a - b`
---@param b thalweg.Tensor|number
---@param options? { delta?: number, reduction?: string }
---@return thalweg.Tensor
function Tensor:huber(b, options) end

--- `bce(p, y [, {reduction = "mean"}]) -> tensor`
---
--- Binary cross-entropy of probabilities p in 0..1 against targets y in 0..1; arguments as in mse. Logarithms are held at or above -100, so that an exact
--- 0 or 1 gives a finite loss (and gradient 0 from there); p outside 0..1 gives NaN. From logits use bce_with_logits.
---
--- Formula: `mean of -(y log p + (1 - y) log(1 - p))`
---@param p any
---@param y thalweg.Tensor|number
---@param options? { reduction?: string }
---@return thalweg.Tensor
function tw.bce(p, y, options) end

--- `bce(p, y [, {reduction = "mean"}]) -> tensor`
---
--- Binary cross-entropy of probabilities p in 0..1 against targets y in 0..1; arguments as in mse. Logarithms are held at or above -100, so that an exact
--- 0 or 1 gives a finite loss (and gradient 0 from there); p outside 0..1 gives NaN. From logits use bce_with_logits.
---
--- Formula: `mean of -(y log p + (1 - y) log(1 - p))`
---@param y thalweg.Tensor|number
---@param options? { reduction?: string }
---@return thalweg.Tensor
function Tensor:bce(y, options) end

--- `bce_with_logits(x, y [, {reduction = "mean"}]) -> tensor`
---
--- Binary cross-entropy of sigmoid(x) against targets y in 0..1, accurate for every x; arguments as in mse.
---
--- Formula: `mean of y softplus(-x) + (1 - y) softplus(x)`
---@param x thalweg.Tensor|number
---@param y thalweg.Tensor|number
---@param options? { reduction?: string }
---@return thalweg.Tensor
function tw.bce_with_logits(x, y, options) end

--- `bce_with_logits(x, y [, {reduction = "mean"}]) -> tensor`
---
--- Binary cross-entropy of sigmoid(x) against targets y in 0..1, accurate for every x; arguments as in mse.
---
--- Formula: `mean of y softplus(-x) + (1 - y) softplus(x)`
---@param y thalweg.Tensor|number
---@param options? { reduction?: string }
---@return thalweg.Tensor
function Tensor:bce_with_logits(y, options) end

--- `hinge(s, y [, {reduction = "mean"}]) -> tensor`
---
--- Hinge loss of scores s against targets y = -1 or 1 (real or i64); arguments as in mse. The derivative at the kink is 0.
---
--- Formula: `mean of max(0, 1 - y s)`
---@param s any
---@param y thalweg.Tensor|number
---@param options? { reduction?: string }
---@return thalweg.Tensor
function tw.hinge(s, y, options) end

--- `hinge(s, y [, {reduction = "mean"}]) -> tensor`
---
--- Hinge loss of scores s against targets y = -1 or 1 (real or i64); arguments as in mse. The derivative at the kink is 0.
---
--- Formula: `mean of max(0, 1 - y s)`
---@param y thalweg.Tensor|number
---@param options? { reduction?: string }
---@return thalweg.Tensor
function Tensor:hinge(y, options) end

--- `kl(log_q, p [, {reduction = "mean"}]) -> tensor`
---
--- Kullback-Leibler divergence of the distribution p from q, given as log q (log_softmax); arguments as in mse. The mean is over all elements, as
--- PyTorch's default; the divergence itself, averaged over a batch of N rows, is kl(log_q, p, { reduction = "sum" }) / N. An element with p = 0 counts 0.
---
--- Formula: `mean of p (log p - log q)`
---@param log_q any
---@param p any
---@param options? { reduction?: string }
---@return thalweg.Tensor
function tw.kl(log_q, p, options) end

--- `kl(log_q, p [, {reduction = "mean"}]) -> tensor`
---
--- Kullback-Leibler divergence of the distribution p from q, given as log q (log_softmax); arguments as in mse. The mean is over all elements, as
--- PyTorch's default; the divergence itself, averaged over a batch of N rows, is kl(log_q, p, { reduction = "sum" }) / N. An element with p = 0 counts 0.
---
--- Formula: `mean of p (log p - log q)`
---@param p any
---@param options? { reduction?: string }
---@return thalweg.Tensor
function Tensor:kl(p, options) end

--- `nll(log_p, class [, {reduction = "mean"}]) -> tensor`
---
--- Negative log likelihood: log_p [... K] holds the logarithm of each class's probability on its last axis, class i64 [...] counts from 1. reduction:
--- "mean" over the rows, "sum", or "none": one loss for each row. A class outside 1..K is an error.
---
--- Formula: `mean over rows of -log_p[row, class]`
---@param log_p any
---@param class any
---@param options? { reduction?: string }
---@return thalweg.Tensor
function tw.nll(log_p, class, options) end

--- `nll(log_p, class [, {reduction = "mean"}]) -> tensor`
---
--- Negative log likelihood: log_p [... K] holds the logarithm of each class's probability on its last axis, class i64 [...] counts from 1. reduction:
--- "mean" over the rows, "sum", or "none": one loss for each row. A class outside 1..K is an error.
---
--- Formula: `mean over rows of -log_p[row, class]`
---@param class any
---@param options? { reduction?: string }
---@return thalweg.Tensor
function Tensor:nll(class, options) end

--- `cross_entropy(logits, target [, {reduction = "mean"}]) -> tensor`
---
--- Cross-entropy of softmax(logits) over the last axis, logits [... K], against classes (i64 [...], from 1 to K) or probabilities (real, of the logits'
--- shape and dtype). reduction: "mean" over the rows, "sum", or "none": one loss for each row. A class outside 1..K is an error.
---
--- Formula: `mean over rows of -log_softmax(logits)[row, class], or of -sum_k target[row, k] log_softmax(logits)[row, k]`
---@param logits thalweg.Tensor
---@param target thalweg.Tensor
---@param options? { reduction?: string }
---@return thalweg.Tensor
function tw.cross_entropy(logits, target, options) end

--- `cross_entropy(logits, target [, {reduction = "mean"}]) -> tensor`
---
--- Cross-entropy of softmax(logits) over the last axis, logits [... K], against classes (i64 [...], from 1 to K) or probabilities (real, of the logits'
--- shape and dtype). reduction: "mean" over the rows, "sum", or "none": one loss for each row. A class outside 1..K is an error.
---
--- Formula: `mean over rows of -log_softmax(logits)[row, class], or of -sum_k target[row, k] log_softmax(logits)[row, k]`
---@param target thalweg.Tensor
---@param options? { reduction?: string }
---@return thalweg.Tensor
function Tensor:cross_entropy(target, options) end

--- `layer_norm(x [, w [, b]] [, {eps = 1e-5}]) -> tensor`
---
--- Normalises over the last axes of x: as many as the scale w and the shift b have, the last alone without them. mean and var (biased) are those of each
--- position; w and b have x's dtype and the sizes of these axes.
---
--- Formula: `(x - mean) / sqrt(var + eps) w + b`
---@param x thalweg.Tensor|number
---@param w? thalweg.Tensor
---@param b? thalweg.Tensor|number
---@param options? { eps?: number }
---@return thalweg.Tensor
function tw.layer_norm(x, w, b, options) end

--- `layer_norm(x [, w [, b]] [, {eps = 1e-5}]) -> tensor`
---
--- Normalises over the last axes of x: as many as the scale w and the shift b have, the last alone without them. mean and var (biased) are those of each
--- position; w and b have x's dtype and the sizes of these axes.
---
--- Formula: `(x - mean) / sqrt(var + eps) w + b`
---@param w? thalweg.Tensor
---@param b? thalweg.Tensor|number
---@param options? { eps?: number }
---@return thalweg.Tensor
function Tensor:layer_norm(w, b, options) end

--- `batch_norm(x, mean, var [, w [, b]] [, {train = false, momentum = 0.1, eps = 1e-5}]) -> tensor`
---
--- Normalises each channel of x [N C ...]. To train: by the batch's own mean and (biased) variance over all axes but the second, through which the
--- gradient flows; the running mean and var [C], where they are given, then follow: mean <- (1 - momentum) mean + momentum mu, var the same with the
--- batch's unbiased variance. To predict: by the running mean and var as they stand. mean and var are written in place, so they must not be among the
--- parameters being differentiated: mark them with tw.buffer. w and b [C] scale and shift.
---
--- Formula: `(x - mu) / sqrt(var + eps) w + b`
---@param x thalweg.Tensor|number
---@param mean any
---@param var any
---@param w? thalweg.Tensor
---@param b? thalweg.Tensor|number
---@param options? { train?: boolean, momentum?: number, eps?: number }
---@return thalweg.Tensor
function tw.batch_norm(x, mean, var, w, b, options) end

--- `batch_norm(x, mean, var [, w [, b]] [, {train = false, momentum = 0.1, eps = 1e-5}]) -> tensor`
---
--- Normalises each channel of x [N C ...]. To train: by the batch's own mean and (biased) variance over all axes but the second, through which the
--- gradient flows; the running mean and var [C], where they are given, then follow: mean <- (1 - momentum) mean + momentum mu, var the same with the
--- batch's unbiased variance. To predict: by the running mean and var as they stand. mean and var are written in place, so they must not be among the
--- parameters being differentiated: mark them with tw.buffer. w and b [C] scale and shift.
---
--- Formula: `(x - mu) / sqrt(var + eps) w + b`
---@param mean any
---@param var any
---@param w? thalweg.Tensor
---@param b? thalweg.Tensor|number
---@param options? { train?: boolean, momentum?: number, eps?: number }
---@return thalweg.Tensor
function Tensor:batch_norm(mean, var, w, b, options) end

--- `dropout(x, p, rng [, {train = true}]) -> tensor`
---
--- Each element is 0 with probability p, else x / (1 - p), by x.size draws of the generator. { train = false } gives x itself and needs no generator.
---@param x thalweg.Tensor|number
---@param p any
---@param rng thalweg.Generator
---@param options? { train?: boolean }
---@return thalweg.Tensor
function tw.dropout(x, p, rng, options) end

--- `dropout(x, p, rng [, {train = true}]) -> tensor`
---
--- Each element is 0 with probability p, else x / (1 - p), by x.size draws of the generator. { train = false } gives x itself and needs no generator.
---@param p any
---@param rng thalweg.Generator
---@param options? { train?: boolean }
---@return thalweg.Tensor
function Tensor:dropout(p, rng, options) end

--- `embedding(index, w) -> tensor`
---
--- The rows of w [V D] named by an i64 tensor of indices 1..V of any shape [...], to [... D]. An index outside is an error.
---
--- Formula: `y[..., :] = w[index[...], :]`
---@param index thalweg.Tensor
---@param w thalweg.Tensor
---@return thalweg.Tensor
function tw.embedding(index, w) end

--- `embedding(index, w) -> tensor`
---
--- The rows of w [V D] named by an i64 tensor of indices 1..V of any shape [...], to [... D]. An index outside is an error.
---
--- Formula: `y[..., :] = w[index[...], :]`
---@param w thalweg.Tensor
---@return thalweg.Tensor
function Tensor:embedding(w) end

--- `buffer(x) -> x`
---
--- Marks x as a buffer and returns it: in a tree of parameters it rides along without gradient, and no optimizer touches it. A running average, changed
--- with x:assign(y), is one. A clone of a buffer is a buffer.
---@param x thalweg.Tensor|number
---@return thalweg.Tensor
function tw.buffer(x) end

--- `rng(seed [, stream = ""]) -> generator`
---
--- A generator of random numbers: the stream of that name under that whole-number seed, from its beginning. What it draws depends on seed, name and how
--- many elements were drawn from it before, on nothing else: drawing 10 numbers, or 3 and then 7, gives the same 10. Inside an experiment's run use
--- run:rng(name); a generator made outside run cannot be drawn from inside it.
---
--- Formula: `key = the first 64 bits of SHA-256(seed, name); element i of a draw at counter c = Philox4x32-10(key, c + i)`
---@param seed integer
---@param stream? string
---@return thalweg.Generator
function tw.rng(seed, stream) end

--- `r:normal(shape... [, {mean = 0, std = 1, dtype = "f64"}]) -> tensor`
---
--- Normal numbers, f64 or f32 (computed in f64 in both). std must not be negative.
---
--- Formula: `mean + std sqrt(-2 log(1 - u)) cos(2 pi v), u and v uniform in [0, 1)`
---@param ... integer|integer[]|{ mean?: number, std?: number, dtype?: string }
---@return thalweg.Tensor
function Generator:normal(...) end

--- `r:uniform(shape... [, {low = 0, high = 1, dtype = "f64"}]) -> tensor`
---
--- Uniform numbers, low <= x < high, f64 or f32. Where low and high are the same, that number.
---
--- Formula: `low + (high - low) u, u a multiple of 2^-53 in [0, 1)`
---@param ... integer|integer[]|{ low?: number, high?: number, dtype?: string }
---@return thalweg.Tensor
function Generator:uniform(...) end

--- `r:exponential(shape... [, {rate = 1, dtype = "f64"}]) -> tensor`
---
--- Exponential numbers of mean 1/rate, f64 or f32. rate must be positive.
---
--- Formula: `-log(1 - u) / rate, u uniform in [0, 1)`
---@param ... integer|integer[]|{ rate?: number, dtype?: string }
---@return thalweg.Tensor
function Generator:exponential(...) end

--- `r:truncated_normal(shape... [, {mean = 0, std = 1, low = mean - 2 std, high = mean + 2 std, dtype = "f64"}]) -> tensor`
---
--- Normal numbers under the condition low <= x <= high, f64 or f32 (then rounded). The ends may be infinite and may lie far out in the tail; std must be
--- positive.
---
--- Formula: `density proportional to exp(-(x - mean)^2 / (2 std^2)) on [low, high], by rejection`
---@param ... integer|integer[]|{ mean?: number, std?: number, low?: any, high?: any, dtype?: string }
---@return thalweg.Tensor
function Generator:truncated_normal(...) end

--- `r:bernoulli(shape... [, {p = 0.5, dtype = "f64"}]) -> tensor`
---
--- 1 with probability p, else 0; true and false with dtype = "bool". p is a number or a tensor that broadcasts to the shape, within [0, 1].
---
--- Formula: `1 where u < p, u uniform in [0, 1)`
---@param ... integer|integer[]|{ p?: number, dtype?: string }
---@return thalweg.Tensor
function Generator:bernoulli(...) end

--- `r:randint(low, high, shape...) -> i64 tensor`
---
--- Whole numbers low..high, both ends included, without bias. The ends lie within +-2^53.
---@param low integer
---@param high integer
---@param ... integer|integer[]
---@return thalweg.Tensor
function Generator:randint(low, high, ...) end

--- `r:permutation(n) -> i64 vector`
---
--- The numbers 1..n in random order, every order alike; x[r:permutation(#x)] shuffles the rows of x.
---@param n integer
---@return thalweg.Tensor
function Generator:permutation(n) end

--- `r:choice(n, shape... [, {replace = true, weights = tensor}]) -> i64 tensor`
---
--- Numbers from 1..n, each alike or, with weights (a vector of n numbers >= 0, not all 0), in proportion to them. { replace = false }: no number twice;
--- drawn one after the other from those left, so without weights the result is the beginning of r:permutation(n). x[r:choice(#x, 32)] draws rows of x.
---
--- Formula: `P(k) = weights_k / sum(weights), over the numbers left`
---@param n integer
---@param ... integer|integer[]|{ replace?: boolean, weights?: any }
---@return thalweg.Tensor
function Generator:choice(n, ...) end

--- `r:multinomial(n, weights [, shape...]) -> i64 tensor[shape... K]`
---
--- How often each of 1..K falls in n trials with probabilities in proportion to the weights (a vector of K numbers >= 0, not all 0). A shape draws that
--- many rows of counts; a row counts as one element of the draw. n is at most 2^32. For the trials themselves: r:choice(K, n, {weights = weights}).
---
--- Formula: `P(c) = n! / (c_1! ... c_K!) p_1^c_1 ... p_K^c_K, p = weights / sum(weights)`
---@param n integer
---@param weights any
---@param ... integer|integer[]
---@return thalweg.Tensor
function Generator:multinomial(n, weights, ...) end

--- `r:split(name) -> generator`
---
--- A generator of its own stream, named "<r's stream>/<name>", at its beginning; r itself does not move. Streams of other names and other seeds are
--- independent.
---@param name string
---@return thalweg.Generator
function Generator:split(name) end

--- `scope(f, ...) -> results of f`
---
--- Calls f and releases every tensor made meanwhile except those reachable from its results through plain tables and those kept with x:keep(); on an
--- error too. Memory is then reused at once instead of waiting for the collector: for evaluation loops and other work without gradients.
---@param f function
---@param ... any
---@return any
function tw.scope(f, ...) end

--- `grad(f [, {wrt = {1}}]) -> g`
---
--- The gradient of f as a function: g(p, ...) evaluates f(p, ...), whose first result must be a 0-d real tensor, and returns the gradient with respect to
--- p, a tree like p with the real tensors alone, then the further results of f, detached. With wrt = {1, 3} it differentiates those arguments and returns
--- one gradient for each. f sees fresh tensors in place of p's; one captured from outside that shares storage with p raises an error. Gradients of
--- gradients are exact.
---@param f function
---@param options? { wrt?: table }
---@return function
function tw.grad(f, options) end

--- `value_and_grad(f [, {wrt = {1}}]) -> g`
---
--- As grad, with the loss first: g(p, ...) returns loss, gradient, further results of f.
---@param f function
---@param options? { wrt?: table }
---@return function
function tw.value_and_grad(f, options) end

--- `vjp(f, ...) -> y, pullback`
---
--- Reverse mode at a point: y = f(...), a tensor or a tree, and pullback(cotangent), which returns the cotangent of each argument (nil for one without
--- real tensors): the transposed Jacobian times the cotangent, a tree like y. Each pullback evaluates f once more and keeps nothing afterwards.
---@param f function
---@param ... any
---@return any
---@return function
function tw.vjp(f, ...) end

--- `jvp(f, p, v, ...) -> y, ydot`
---
--- Forward mode: y = f(p, ...), and its derivative along v, the Jacobian times v, where v is a tree like p. Tangents are computed alongside the values,
--- so memory does not grow with the number of operations.
---@param f function
---@param p any
---@param v any
---@param ... any
---@return any
---@return any
function tw.jvp(f, p, v, ...) end

--- `count(f, ...) -> counts, results of f`
---
--- Calls f and counts what the engine computed meanwhile, derivatives included: operations, the number of them that are no views; multiply_adds, the
--- multiplications of their matrix products, einsum and convolutions (each with its addition); elements, of the other operations together, each counted
--- by the largest of its operands and results. Decompositions (linalg) count by elements too, updates of optimizers not at all. Counts follow from the
--- shapes: they are the same on every machine.
---@param f function
---@param ... any
---@return thalweg.Tensor counts
---@return any
function tw.count(f, ...) end

--- `custom{forward =, vjp =, jvp =} -> f`
---
--- An operation of your own: forward(x, ...) computes one tensor from up to 8, undisturbed by differentiation; vjp(t, y, x, ...) returns the cotangent of
--- each input (nil for none) given t, the cotangent of the result y; jvp(ts, y, x, ...) returns the tangent of y given a table of the inputs' tangents. A
--- rule that is not given raises an error when it is needed. The rules are differentiated themselves when derivatives of higher order are asked for.
---@param options { forward?: any, vjp?: any, jvp?: any }
---@return function
function tw.custom(options) end

---@class thalweg.options.jacobian
---@field mode? "auto"|"forward"|"reverse" which way to differentiate

--- `jacobian(f [, {mode = "auto"}]) -> function`
---
--- The Jacobian of f as a function of a tensor: J(x, ...) has f(x, ...)'s shape followed by x's: J[i.. j..] = d f_i / d x_j. Reverse mode costs one
--- evaluation and a backward pass for the elements of the result, forward mode an evaluation with a tangent for each element of x; up to 64 of them are
--- computed together. mode = "auto" takes the smaller count.
---@param f fun(x: thalweg.Tensor, ...): thalweg.Tensor
---@param o? thalweg.options.jacobian
---@return fun(x: thalweg.Tensor, ...): thalweg.Tensor jacobian
function tw.jacobian(f, o) end

--- `hessian(f) -> function`
---
--- The Hessian of a function with a 0-d result: for a tensor x its shape twice ([n n] for a vector); for a tree of tensors a tree of trees, H[a][b] with
--- the shape of a followed by that of b. Rows of the exact gradient's Jacobian, in reverse over reverse: one evaluation, and a backward pass for every 64
--- rows.
---@param f fun(p: any, ...): thalweg.Tensor
---@return fun(p: any, ...): any hessian
function tw.hessian(f) end

--- `hvp(f) -> function`
---
--- Hessian times vector: hvp(f)(p, v, ...) where v is a tree like p. Forward over reverse (Pearlmutter 1994): the cost of a few gradients, whatever the
--- size.
---@param f fun(p: any, ...): thalweg.Tensor
---@return fun(p: any, v: any, ...): any
function tw.hvp(f) end

---@class thalweg.options.vmap
---@field axes? table the mapped axis of each argument, false for a shared one; default: the first axis of all

--- `vmap(f [, {axes}]) -> function`
---
--- Applies f to each slice of its tensor arguments along their first axis and stacks the results: vmap(f)(x, y) has rows f(x[i], y[i]). With axes = { 1,
--- false } the second argument is the same for all. Trees are sliced leaf by leaf; per-example gradients are vmap(grad(loss), { axes = { false, 1, 1 }
--- })(p, x, y). f runs once, for all slices together: shapes and axes inside are those of one slice, its values are those of f on it alone, bit for bit.
--- It cannot branch on a value (x:item() raises; tw.where chooses). What f does not get as a mapped argument is shared, also in gradients taken around
--- the vmap, where its cotangents are summed over the slices; a generator it draws from gives every slice numbers of its own. What f makes lives until it
--- returns, as in tw.scope.
---@param f function
---@param o? thalweg.options.vmap
---@return function
function tw.vmap(f, o) end

---@class thalweg.options.checkgrad
---@field tolerance? number largest error allowed, relative to 1 + |gradient|

--- `checkgrad(f, x [, {tolerance = 1e-6}]) -> ok, worst`
---
--- Holds the gradient of f (a 0-d result) at x, a tensor or a tree, against central differences with step h = cbrt(2^-52) max(1, |x_i|), whose error is
--- about 1e-10 of the scale of f in f64. Returns true, or false and the worst entries: { path, index, exact, numeric, error }, largest error first, at
--- most ten.
---@param f fun(x: any): thalweg.Tensor
---@param x any
---@param o? thalweg.options.checkgrad
---@return boolean ok, table[]|nil worst
function tw.checkgrad(f, x, o) end

--- `map(f, t, ...) -> any`
---
--- The tree with every tensor x replaced by f(x, y, ..., path), where y, ... stand at the same place of the further trees and path is "layer1.w". A
--- further tree of another form is an error.
---@param f fun(x: thalweg.Tensor, ...): any
---@param t any
---@return any
function tw.tree.map(f, t, ...) end

--- `leaves(t) -> leaves, paths`
---
--- The tensors of a tree in order, and their paths.
---@param t any
---@return thalweg.Tensor[] leaves, string[] paths
function tw.tree.leaves(t) end

--- `flatten(t) -> vector, restore`
---
--- All real tensors of a tree in one vector, in order, and a function that makes a tree of the same form from such a vector. A tree without a real tensor
--- is an error.
---@param t any
---@return thalweg.Tensor vector, fun(vector: thalweg.Tensor): any restore
function tw.tree.flatten(t) end

--- `norm(t) -> tensor`
---
--- The 2-norm of all real tensors of a tree together: sqrt(sum of all squares).
---@param t any
---@return thalweg.Tensor norm 0-d
function tw.tree.norm(t) end

--- `dot(a, b) -> tensor`
---
--- The inner product of two trees of one form: the sum of x y over all elements.
---@param a any
---@param b any
---@return thalweg.Tensor product 0-d
function tw.tree.dot(a, b) end

--- `size(t) -> integer`
---
--- The number of elements of all real tensors.
---@param t any
---@return integer
function tw.tree.size(t) end

---@class thalweg.options.optim.sgd
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field momentum? number|thalweg.Schedule|thalweg.Space factor by which the velocity survives a step
---@field dampening? number|thalweg.Schedule|thalweg.Space heavy_ball: the gradient enters the velocity times 1 - dampening, but whole in the first step
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, see decay
---@field decay? "coupled"|"decoupled"|"independent"|thalweg.Space weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p
---@field nesterov? boolean|thalweg.Space look ahead along the new velocity
---@field form? "heavy_ball"|"ema"|"velocity"|thalweg.Space where gradient and learning rate enter the velocity

--- `sgd(params [, {options}]) -> optimizer`
--- `sgd{options} -> recipe`
---
--- Stochastic gradient descent, with momentum in four forms.
---@overload fun(options?: thalweg.options.optim.sgd): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.sgd
---@return thalweg.Optimizer
function tw.optim.sgd(params, options) end

---@class thalweg.options.optim.asgd
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field lambd? number|thalweg.Schedule|thalweg.Space decay of the parameters and of the rate
---@field alpha? number|thalweg.Schedule|thalweg.Space power with which the rate falls
---@field t0? number|thalweg.Schedule|thalweg.Space the average begins at step t0 + 2: until then it is the parameter itself
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, see decay
---@field decay? "coupled"|"decoupled"|"independent"|thalweg.Space weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p
---@field convention? "torch7"|thalweg.Space defaults and forms of another library; torch7: lr = 0.0001

--- `asgd(params [, {options}]) -> optimizer`
--- `asgd{options} -> recipe`
---
--- Gradient descent that also keeps the average of its iterates.
---@overload fun(options?: thalweg.options.optim.asgd): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.asgd
---@return thalweg.Optimizer
function tw.optim.asgd(params, options) end

---@class thalweg.options.optim.qhm
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field momentum? number|thalweg.Schedule|thalweg.Space decay of the average of gradients
---@field nu? number|thalweg.Schedule|thalweg.Space weight of the average in the step
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, see decay
---@field decay? "coupled"|"decoupled"|"independent"|thalweg.Space weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p

--- `qhm(params [, {options}]) -> optimizer`
--- `qhm{options} -> recipe`
---
--- quasi-hyperbolic momentum, a mean of a plain and a momentum step.
---@overload fun(options?: thalweg.options.optim.qhm): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.qhm
---@return thalweg.Optimizer
function tw.optim.qhm(params, options) end

---@class thalweg.options.optim.signsgd
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, see decay
---@field decay? "coupled"|"decoupled"|"independent"|thalweg.Space weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p

--- `signsgd(params [, {options}]) -> optimizer`
--- `signsgd{options} -> recipe`
---
--- Steps by the sign of the gradient.
---@overload fun(options?: thalweg.options.optim.signsgd): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.signsgd
---@return thalweg.Optimizer
function tw.optim.signsgd(params, options) end

---@class thalweg.options.optim.signum
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field momentum? number|thalweg.Schedule|thalweg.Space decay of the average of gradients
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, see decay
---@field decay? "coupled"|"decoupled"|"independent"|thalweg.Space weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p

--- `signum(params [, {options}]) -> optimizer`
--- `signum{options} -> recipe`
---
--- Steps by the sign of the average gradient.
---@overload fun(options?: thalweg.options.optim.signum): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.signum
---@return thalweg.Optimizer
function tw.optim.signum(params, options) end

---@class thalweg.options.optim.lion
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field beta1? number|thalweg.Schedule|thalweg.Space weight of the average in the direction
---@field beta2? number|thalweg.Schedule|thalweg.Space decay of the average of gradients
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, see decay
---@field decay? "coupled"|"decoupled"|"independent"|thalweg.Space weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p
---@field convention? "keras"|"optax"|thalweg.Space defaults and forms of another library; keras: lr = 0.001; optax: weight_decay = 0.001

--- `lion(params [, {options}]) -> optimizer`
--- `lion{options} -> recipe`
---
--- Steps by the sign of an interpolated average.
---@overload fun(options?: thalweg.options.optim.lion): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.lion
---@return thalweg.Optimizer
function tw.optim.lion(params, options) end

---@class thalweg.options.optim.rprop
---@field lr? number|thalweg.Schedule|thalweg.Space the first step of every element
---@field eta_minus? number|thalweg.Schedule|thalweg.Space factor of the step when the gradient changes its sign
---@field eta_plus? number|thalweg.Schedule|thalweg.Space factor of the step while the gradient keeps its sign
---@field step_min? number|thalweg.Schedule|thalweg.Space smallest step
---@field step_max? number|thalweg.Schedule|thalweg.Space largest step
---@field form? "irprop_minus"|"rprop_minus"|"rprop_plus"|thalweg.Space after a change of sign: stay for one step, go on with the new sign, take the last step back
---@field convention? "torch7"|thalweg.Space defaults and forms of another library; torch7: lr = 0.1

--- `rprop(params [, {options}]) -> optimizer`
--- `rprop{options} -> recipe`
---
--- Steps that grow while the gradient keeps its sign, for full batches.
---@overload fun(options?: thalweg.options.optim.rprop): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.rprop
---@return thalweg.Optimizer
function tw.optim.rprop(params, options) end

---@class thalweg.options.optim.adagrad
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field lr_decay? number|thalweg.Schedule|thalweg.Space the rate of step t is lr / (1 + (t - 1) lr_decay)
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, see decay
---@field decay? "coupled"|"decoupled"|"independent"|thalweg.Space weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p
---@field initial_accumulator_value? number|thalweg.Schedule|thalweg.Space where the sum of squares starts
---@field eps? number|thalweg.Schedule|thalweg.Space added to the denominator
---@field eps_at? "outside"|"inside"|thalweg.Space beside the root, under it
---@field convention? "d2l"|"ensmallen"|"keras"|"optax"|"torch7"|thalweg.Space defaults and forms of another library; d2l: eps = 1e-06, eps_at = inside, lr = 0.1; ensmallen: eps = 1e-08; keras: decay = decoupled, eps = 1e-07, eps_at = inside, initial_accumulator_value = 0.1, lr = 0.001; optax: eps = 1e-07, eps_at = inside, initial_accumulator_value = 0.1; torch7: lr = 0.001

--- `adagrad(params [, {options}]) -> optimizer`
--- `adagrad{options} -> recipe`
---
--- Steps that shrink with the sum of squared gradients.
---@overload fun(options?: thalweg.options.optim.adagrad): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.adagrad
---@return thalweg.Optimizer
function tw.optim.adagrad(params, options) end

---@class thalweg.options.optim.adadelta
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field rho? number|thalweg.Schedule|thalweg.Space decay of both averages of squares
---@field eps? number|thalweg.Schedule|thalweg.Space added to both averages; the first steps are of this size
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, see decay
---@field decay? "coupled"|"decoupled"|"independent"|thalweg.Space weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p
---@field eps_at? "inside"|"outside"|thalweg.Space under the roots, beside them
---@field convention? "d2l"|"ensmallen"|"keras"|"optax"|"torch7"|thalweg.Space defaults and forms of another library; d2l: eps = 1e-05, lr = 1, rho = 0.9; ensmallen: eps = 1e-06, lr = 1, rho = 0.95; keras: decay = decoupled, eps = 1e-07, lr = 0.001, rho = 0.95; optax: eps = 1e-06, rho = 0.9; torch7: eps = 1e-06, lr = 1, rho = 0.9

--- `adadelta(params [, {options}]) -> optimizer`
--- `adadelta{options} -> recipe`
---
--- Steps in units of the steps before.
---@overload fun(options?: thalweg.options.optim.adadelta): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.adadelta
---@return thalweg.Optimizer
function tw.optim.adadelta(params, options) end

---@class thalweg.options.optim.rmsprop
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field alpha? number|thalweg.Schedule|thalweg.Space decay of the average of squared gradients
---@field eps? number|thalweg.Schedule|thalweg.Space added to the denominator
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, see decay
---@field decay? "coupled"|"decoupled"|"independent"|thalweg.Space weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p
---@field momentum? number|thalweg.Schedule|thalweg.Space factor by which the velocity survives a step
---@field centered? boolean|thalweg.Space divide by the standard deviation: the square of the average gradient is subtracted
---@field eps_at? "outside"|"inside"|thalweg.Space beside the root, under it
---@field form? "heavy_ball"|"velocity"|thalweg.Space the learning rate multiplies the velocity, or what enters it
---@field nesterov? boolean|thalweg.Space look ahead along the new velocity
---@field initial_accumulator_value? number|thalweg.Schedule|thalweg.Space where the average of squares starts
---@field convention? "d2l"|"ensmallen"|"keras"|"optax"|"torch7"|thalweg.Space defaults and forms of another library; d2l: alpha = 0.9, eps = 1e-06, eps_at = inside, lr = 0.01; ensmallen: alpha = 0.99, eps = 1e-08, lr = 0.01; keras: alpha = 0.9, decay = decoupled, eps = 1e-07, eps_at = inside, form = velocity, lr = 0.001; optax: alpha = 0.9, eps = 1e-08, eps_at = inside, form = velocity; torch7: alpha = 0.99, eps = 1e-08, lr = 0.01

--- `rmsprop(params [, {options}]) -> optimizer`
--- `rmsprop{options} -> recipe`
---
--- Gradients divided by their moving root mean square, with momentum and centering.
---@overload fun(options?: thalweg.options.optim.rmsprop): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.rmsprop
---@return thalweg.Optimizer
function tw.optim.rmsprop(params, options) end

---@class thalweg.options.optim.adam
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field beta1? number|thalweg.Schedule|thalweg.Space decay of the average of gradients
---@field beta2? number|thalweg.Schedule|thalweg.Space decay of the average of squared gradients
---@field eps? number|thalweg.Schedule|thalweg.Space added to the denominator
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, see decay
---@field decay? "coupled"|"decoupled"|"independent"|thalweg.Space weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p
---@field amsgrad? boolean|thalweg.Space divide by the largest average of squared gradients so far
---@field eps_at? "outside"|"hat"|"inside"|thalweg.Space beside the corrected root, beside the uncorrected one, under it
---@field bias_correction? "power"|"none"|"constant"|thalweg.Space divide the averages by 1 - beta^t, by 1, or by 1 - beta
---@field eps_root? number|thalweg.Schedule|thalweg.Space added under the root
---@field amsgrad_of? "raw"|"corrected"|thalweg.Space the largest average before bias correction, or after it
---@field write_back? boolean|thalweg.Space the corrected averages replace the averages themselves, a misreading that grows without bound
---@field convention? "d2l"|"ensmallen"|"keras"|"optax"|"torch7"|thalweg.Space defaults and forms of another library; d2l: eps = 1e-06, lr = 0.01; ensmallen: eps = 1e-08, eps_at = hat, lr = 0.001; keras: decay = decoupled, eps = 1e-07, eps_at = hat, lr = 0.001; optax: amsgrad_of = corrected; torch7: eps = 1e-08, eps_at = hat, lr = 0.001

--- `adam(params [, {options}]) -> optimizer`
--- `adam{options} -> recipe`
---
--- Adaptive moments.
---@overload fun(options?: thalweg.options.optim.adam): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.adam
---@return thalweg.Optimizer
function tw.optim.adam(params, options) end

---@class thalweg.options.optim.adamw
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field beta1? number|thalweg.Schedule|thalweg.Space decay of the average of gradients
---@field beta2? number|thalweg.Schedule|thalweg.Space decay of the average of squared gradients
---@field eps? number|thalweg.Schedule|thalweg.Space added to the denominator
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, see decay
---@field decay? "coupled"|"decoupled"|"independent"|thalweg.Space weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p
---@field amsgrad? boolean|thalweg.Space divide by the largest average of squared gradients so far
---@field eps_at? "outside"|"hat"|"inside"|thalweg.Space beside the corrected root, beside the uncorrected one, under it
---@field bias_correction? "power"|"none"|"constant"|thalweg.Space divide the averages by 1 - beta^t, by 1, or by 1 - beta
---@field eps_root? number|thalweg.Schedule|thalweg.Space added under the root
---@field amsgrad_of? "raw"|"corrected"|thalweg.Space the largest average before bias correction, or after it
---@field write_back? boolean|thalweg.Space the corrected averages replace the averages themselves, a misreading that grows without bound
---@field convention? "d2l"|"ensmallen"|"keras"|"optax"|"torch7"|thalweg.Space defaults and forms of another library; d2l: eps = 1e-06, lr = 0.01; ensmallen: eps = 1e-08, eps_at = hat, lr = 0.001; keras: decay = decoupled, eps = 1e-07, eps_at = hat, lr = 0.001, weight_decay = 0.004; optax: amsgrad_of = corrected, weight_decay = 0.0001; torch7: eps = 1e-08, eps_at = hat, lr = 0.001

--- `adamw(params [, {options}]) -> optimizer`
--- `adamw{options} -> recipe`
---
--- Adam with decoupled weight decay.
---@overload fun(options?: thalweg.options.optim.adamw): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.adamw
---@return thalweg.Optimizer
function tw.optim.adamw(params, options) end

---@class thalweg.options.optim.amsgrad
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field beta1? number|thalweg.Schedule|thalweg.Space decay of the average of gradients
---@field beta2? number|thalweg.Schedule|thalweg.Space decay of the average of squared gradients
---@field eps? number|thalweg.Schedule|thalweg.Space added to the denominator
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, see decay
---@field decay? "coupled"|"decoupled"|"independent"|thalweg.Space weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p
---@field amsgrad? boolean|thalweg.Space divide by the largest average of squared gradients so far
---@field eps_at? "outside"|"hat"|"inside"|thalweg.Space beside the corrected root, beside the uncorrected one, under it
---@field bias_correction? "power"|"none"|"constant"|thalweg.Space divide the averages by 1 - beta^t, by 1, or by 1 - beta
---@field eps_root? number|thalweg.Schedule|thalweg.Space added under the root
---@field amsgrad_of? "raw"|"corrected"|thalweg.Space the largest average before bias correction, or after it
---@field write_back? boolean|thalweg.Space the corrected averages replace the averages themselves, a misreading that grows without bound
---@field convention? "d2l"|"ensmallen"|"keras"|"optax"|"torch7"|thalweg.Space defaults and forms of another library; d2l: eps = 1e-06, lr = 0.01; ensmallen: eps = 1e-08, eps_at = hat, lr = 0.001; keras: decay = decoupled, eps = 1e-07, eps_at = hat, lr = 0.001; optax: amsgrad_of = corrected; torch7: eps = 1e-08, eps_at = hat, lr = 0.001

--- `amsgrad(params [, {options}]) -> optimizer`
--- `amsgrad{options} -> recipe`
---
--- Adam that divides by the largest average of squared gradients so far.
---@overload fun(options?: thalweg.options.optim.amsgrad): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.amsgrad
---@return thalweg.Optimizer
function tw.optim.amsgrad(params, options) end

---@class thalweg.options.optim.adamax
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field beta1? number|thalweg.Schedule|thalweg.Space decay of the average of gradients
---@field beta2? number|thalweg.Schedule|thalweg.Space decay of the largest gradient
---@field eps? number|thalweg.Schedule|thalweg.Space added to the denominator
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, see decay
---@field decay? "coupled"|"decoupled"|"independent"|thalweg.Space weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p
---@field eps_at? "inside"|"outside"|thalweg.Space beside |g| inside the maximum, beside the maximum
---@field convention? "ensmallen"|"keras"|"optax"|"torch7"|thalweg.Space defaults and forms of another library; ensmallen: eps = 1e-08, eps_at = outside, lr = 0.001; keras: decay = decoupled, eps = 1e-07, eps_at = outside, lr = 0.001; optax: eps = 1e-08; torch7: eps = 1e-38, lr = 0.002

--- `adamax(params [, {options}]) -> optimizer`
--- `adamax{options} -> recipe`
---
--- Adam with the largest gradient in the place of the mean square.
---@overload fun(options?: thalweg.options.optim.adamax): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.adamax
---@return thalweg.Optimizer
function tw.optim.adamax(params, options) end

---@class thalweg.options.optim.nadam
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field beta1? number|thalweg.Schedule|thalweg.Space decay of the average of gradients
---@field beta2? number|thalweg.Schedule|thalweg.Space decay of the average of squared gradients
---@field eps? number|thalweg.Schedule|thalweg.Space added to the denominator
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, see decay
---@field decay? "coupled"|"decoupled"|"independent"|thalweg.Space weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p
---@field momentum_decay? number|thalweg.Schedule|thalweg.Space how fast the momentum rises from beta1/2 to beta1
---@field momentum_schedule? "warming"|"constant"|thalweg.Space the momentum rises as momentum_decay says, or is beta1 throughout
---@field eps_at? "outside"|"hat"|"inside"|thalweg.Space beside the corrected root, beside the uncorrected one, under it
---@field eps_root? number|thalweg.Schedule|thalweg.Space added under the root
---@field convention? "ensmallen"|"keras"|"optax"|thalweg.Space defaults and forms of another library; ensmallen: eps = 1e-08, eps_at = hat, lr = 0.001; keras: decay = decoupled, eps = 1e-07, lr = 0.001, momentum_decay = 1; optax: eps = 1e-08, momentum_schedule = constant

--- `nadam(params [, {options}]) -> optimizer`
--- `nadam{options} -> recipe`
---
--- Adam with Nesterov's look-ahead.
---@overload fun(options?: thalweg.options.optim.nadam): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.nadam
---@return thalweg.Optimizer
function tw.optim.nadam(params, options) end

---@class thalweg.options.optim.radam
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field beta1? number|thalweg.Schedule|thalweg.Space decay of the average of gradients
---@field beta2? number|thalweg.Schedule|thalweg.Space decay of the average of squared gradients
---@field eps? number|thalweg.Schedule|thalweg.Space added to the denominator
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, see decay
---@field decay? "coupled"|"decoupled"|"independent"|thalweg.Space weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p
---@field threshold? number|thalweg.Schedule|thalweg.Space the length of the average from which on steps adapt
---@field rectify? "above"|"from"|thalweg.Space steps adapt above the threshold, or from it on
---@field eps_at? "outside"|"hat"|"inside"|thalweg.Space beside the corrected root, beside the uncorrected one, under it
---@field eps_root? number|thalweg.Schedule|thalweg.Space added under the root
---@field convention? "optax"|thalweg.Space defaults and forms of another library; optax: eps = 1e-08, eps_at = outside, rectify = from

--- `radam(params [, {options}]) -> optimizer`
--- `radam{options} -> recipe`
---
--- Adam with its first steps rectified.
---@overload fun(options?: thalweg.options.optim.radam): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.radam
---@return thalweg.Optimizer
function tw.optim.radam(params, options) end

---@class thalweg.options.optim.yogi
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field beta1? number|thalweg.Schedule|thalweg.Space decay of the average of gradients
---@field beta2? number|thalweg.Schedule|thalweg.Space decay of the average of squared gradients
---@field eps? number|thalweg.Schedule|thalweg.Space added to the denominator
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, see decay
---@field decay? "coupled"|"decoupled"|"independent"|thalweg.Space weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p
---@field initial_accumulator_value? number|thalweg.Schedule|thalweg.Space where both averages start
---@field bias_correction? "power"|"none"|"constant"|thalweg.Space divide the averages by 1 - beta^t, by 1, or by 1 - beta
---@field eps_at? "outside"|"hat"|"inside"|thalweg.Space beside the corrected root, beside the uncorrected one, under it
---@field eps_root? number|thalweg.Schedule|thalweg.Space added under the root
---@field convention? "d2l"|"ensmallen"|"optax"|thalweg.Space defaults and forms of another library; d2l: bias_correction = power, eps = 0.001, lr = 0.01; ensmallen: eps = 1e-08, lr = 0.001; optax: bias_correction = power, eps = 0.001, initial_accumulator_value = 1e-06

--- `yogi(params [, {options}]) -> optimizer`
--- `yogi{options} -> recipe`
---
--- Adam with an average of squares that moves by additions.
---@overload fun(options?: thalweg.options.optim.yogi): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.yogi
---@return thalweg.Optimizer
function tw.optim.yogi(params, options) end

---@class thalweg.options.optim.adabelief
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field beta1? number|thalweg.Schedule|thalweg.Space decay of the average of gradients
---@field beta2? number|thalweg.Schedule|thalweg.Space decay of the average of squared errors
---@field eps? number|thalweg.Schedule|thalweg.Space added to the denominator
---@field eps_root? number|thalweg.Schedule|thalweg.Space added to the average of squared errors in every step
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, see decay
---@field decay? "coupled"|"decoupled"|"independent"|thalweg.Space weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p
---@field amsgrad? boolean|thalweg.Space divide by the largest average of squared errors so far
---@field error_from? "new"|"old"|thalweg.Space the gradient's distance from its average with this gradient in it, or without
---@field eps_at? "outside"|"hat"|"inside"|thalweg.Space beside the corrected root, beside the uncorrected one, under it
---@field convention? "optax"|thalweg.Space defaults and forms of another library; optax: eps = 1e-16, eps_root = 1e-16, error_from = old

--- `adabelief(params [, {options}]) -> optimizer`
--- `adabelief{options} -> recipe`
---
--- Adam divided by how far gradients are from their average.
---@overload fun(options?: thalweg.options.optim.adabelief): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.adabelief
---@return thalweg.Optimizer
function tw.optim.adabelief(params, options) end

---@class thalweg.options.optim.qhadam
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field beta1? number|thalweg.Schedule|thalweg.Space decay of the average of gradients
---@field beta2? number|thalweg.Schedule|thalweg.Space decay of the average of squared gradients
---@field nu1? number|thalweg.Schedule|thalweg.Space weight of the average of gradients in the step
---@field nu2? number|thalweg.Schedule|thalweg.Space weight of the average of squared gradients under the root
---@field eps? number|thalweg.Schedule|thalweg.Space added to the denominator
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, see decay
---@field decay? "coupled"|"decoupled"|"independent"|thalweg.Space weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p

--- `qhadam(params [, {options}]) -> optimizer`
--- `qhadam{options} -> recipe`
---
--- quasi-hyperbolic Adam.
---@overload fun(options?: thalweg.options.optim.qhadam): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.qhadam
---@return thalweg.Optimizer
function tw.optim.qhadam(params, options) end

---@class thalweg.options.optim.lars
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field momentum? number|thalweg.Schedule|thalweg.Space factor by which the velocity survives a step
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, inside the layer's rate
---@field trust_coefficient? number|thalweg.Schedule|thalweg.Space how far a layer may move relative to its size
---@field eps? number|thalweg.Schedule|thalweg.Space added to the denominator
---@field nesterov? boolean|thalweg.Space look ahead along the new velocity
---@field norms? "apart"|"together"|thalweg.Space of gradient and decay each, or of their sum
---@field form? "velocity"|"heavy_ball"|thalweg.Space whether the learning rate enters the velocity
---@field convention? "optax"|thalweg.Space defaults and forms of another library; optax: norms = together

--- `lars(params [, {options}]) -> optimizer`
--- `lars{options} -> recipe`
---
--- Momentum with a rate for each layer, by the ratio of its size to its gradient's.
---@overload fun(options?: thalweg.options.optim.lars): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.lars
---@return thalweg.Optimizer
function tw.optim.lars(params, options) end

---@class thalweg.options.optim.lamb
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field beta1? number|thalweg.Schedule|thalweg.Space decay of the average of gradients
---@field beta2? number|thalweg.Schedule|thalweg.Space decay of the average of squared gradients
---@field eps? number|thalweg.Schedule|thalweg.Space added to the denominator
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, inside the layer's rate
---@field bias_correction? boolean|thalweg.Space divide the averages by 1 - beta^t
---@field norm_min? number|thalweg.Schedule|thalweg.Space a layer counts as at least this large
---@field norm_max? number|thalweg.Schedule|thalweg.Space a layer counts as at most this large
---@field trust_max? number|thalweg.Schedule|thalweg.Space largest ratio of a layer's size to its update's

--- `lamb(params [, {options}]) -> optimizer`
--- `lamb{options} -> recipe`
---
--- Adam with a rate for each layer, by the ratio of its size to its update's.
---@overload fun(options?: thalweg.options.optim.lamb): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.lamb
---@return thalweg.Optimizer
function tw.optim.lamb(params, options) end

---@class thalweg.options.optim.adafactor
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field beta1? number|thalweg.Schedule|thalweg.Space decay of an average of updates; 0: none is kept
---@field beta2_decay? number|thalweg.Schedule|thalweg.Space the newest square has the weight t^beta2_decay
---@field eps1? number|thalweg.Schedule|thalweg.Space smallest root of a second moment; 0: the rounding unit of the parameter's dtype
---@field eps2? number|thalweg.Schedule|thalweg.Space smallest size of a parameter, by which its step is scaled
---@field d? number|thalweg.Schedule|thalweg.Space largest root mean square of an update, before scaling
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, see decay
---@field decay? "coupled"|"decoupled"|"independent"|thalweg.Space weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p
---@field relative_step? boolean|thalweg.Space the rate is at most 1/sqrt(t)
---@field scale_parameter? boolean|thalweg.Space steps are relative to the root mean square of the parameter

--- `adafactor(params [, {options}]) -> optimizer`
--- `adafactor{options} -> recipe`
---
--- Adaptive steps with second moments by row and column.
---@overload fun(options?: thalweg.options.optim.adafactor): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.adafactor
---@return thalweg.Optimizer
function tw.optim.adafactor(params, options) end

---@class thalweg.options.optim.muon
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, see decay
---@field decay? "coupled"|"decoupled"|"independent"|thalweg.Space weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p
---@field momentum? number|thalweg.Schedule|thalweg.Space decay of the average of gradients
---@field nesterov? boolean|thalweg.Space look ahead along the new average
---@field ns_a? number|thalweg.Schedule|thalweg.Space coefficient of X in the iteration
---@field ns_b? number|thalweg.Schedule|thalweg.Space coefficient of X X' X
---@field ns_c? number|thalweg.Schedule|thalweg.Space coefficient of X X' X X' X
---@field eps? number|thalweg.Schedule|thalweg.Space smallest norm to divide by
---@field ns_steps? number|thalweg.Schedule|thalweg.Space iterations; the same in all lanes
---@field adjust_lr? "original"|"transposed"|"match_rms_adamw"|"none"|thalweg.Space factor of the learning rate, by the shape
---@field method? "auto"|"muon"|"adamw"|thalweg.Space auto: muon for two axes or more, AdamW below
---@field beta1? number|thalweg.Schedule|thalweg.Space decay of the average of gradients
---@field beta2? number|thalweg.Schedule|thalweg.Space decay of the average of squared gradients
---@field adam_eps? number|thalweg.Schedule|thalweg.Space AdamW: added to the denominator

--- `muon(params [, {options}]) -> optimizer`
--- `muon{options} -> recipe`
---
--- Orthogonalised momentum for matrices, AdamW for the rest.
---@overload fun(options?: thalweg.options.optim.muon): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.muon
---@return thalweg.Optimizer
function tw.optim.muon(params, options) end

---@class thalweg.options.optim.prodigy
---@field lr? number|thalweg.Schedule|thalweg.Space factor of the estimated learning rate; 1 unless unstable, or a schedule
---@field beta1? number|thalweg.Schedule|thalweg.Space decay of the average of gradients
---@field beta2? number|thalweg.Schedule|thalweg.Space decay of the average of squared gradients
---@field beta3? number|thalweg.Schedule|thalweg.Space decay of the sums that estimate the distance; below 0: sqrt(beta2)
---@field eps? number|thalweg.Schedule|thalweg.Space added to the denominator
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0
---@field decouple? boolean|thalweg.Space parameters shrink by themselves, else through the gradient
---@field use_bias_correction? boolean|thalweg.Space Adam's corrections of the averages
---@field safeguard_warmup? boolean|thalweg.Space a small lr at the beginning does not enter the estimate's denominator
---@field d0? number|thalweg.Schedule|thalweg.Space first estimate of the distance, below the true one
---@field d_coef? number|thalweg.Schedule|thalweg.Space factor of the estimate
---@field growth_rate? number|thalweg.Schedule|thalweg.Space the estimate grows at most by this factor a step

--- `prodigy(params [, {options}]) -> optimizer`
--- `prodigy{options} -> recipe`
---
--- Adam that finds its learning rate by estimating the distance to the solution.
---@overload fun(options?: thalweg.options.optim.prodigy): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.prodigy
---@return thalweg.Optimizer
function tw.optim.prodigy(params, options) end

---@class thalweg.options.optim.polyak
---@field lr? number|thalweg.Schedule|thalweg.Space factor of the step size
---@field f_min? number|thalweg.Schedule|thalweg.Space the smallest value of the function
---@field c? number|thalweg.Schedule|thalweg.Space factor of the squared norm of the gradient
---@field max_lr? number|thalweg.Schedule|thalweg.Space largest step size
---@field growth? number|thalweg.Schedule|thalweg.Space the step size grows at most by this factor a step
---@field eps? number|thalweg.Schedule|thalweg.Space added to the denominator
---@field convention? "optax"|"sps"|thalweg.Space defaults and forms of another library; optax: max_lr = 1; sps: c = 0.5, max_lr = 1

--- `polyak(params [, {options}]) -> optimizer`
--- `polyak{options} -> recipe`
---
--- Gradient descent with Polyak's step size.
---@overload fun(options?: thalweg.options.optim.polyak): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.polyak
---@return thalweg.Optimizer
function tw.optim.polyak(params, options) end

---@class thalweg.options.optim.schedule_free_sgd
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly y is drawn to 0, by the step of z
---@field warmup_steps? number|thalweg.Schedule|thalweg.Space steps over which the learning rate rises to lr
---@field r? number|thalweg.Schedule|thalweg.Space the average weights step t by t^r
---@field weight_lr_power? number|thalweg.Schedule|thalweg.Space and by the largest learning rate so far to this power
---@field momentum? number|thalweg.Schedule|thalweg.Space beta: y lies between z (0) and x (1)

--- `schedule_free_sgd(params [, {options}]) -> optimizer`
--- `schedule_free_sgd{options} -> recipe`
---
--- SGD with an average in the place of a learning-rate schedule.
---@overload fun(options?: thalweg.options.optim.schedule_free_sgd): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.schedule_free_sgd
---@return thalweg.Optimizer
function tw.optim.schedule_free_sgd(params, options) end

---@class thalweg.options.optim.schedule_free_adamw
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly y is drawn to 0, by the step of z
---@field warmup_steps? number|thalweg.Schedule|thalweg.Space steps over which the learning rate rises to lr
---@field r? number|thalweg.Schedule|thalweg.Space the average weights step t by t^r
---@field weight_lr_power? number|thalweg.Schedule|thalweg.Space and by the largest learning rate so far to this power
---@field beta1? number|thalweg.Schedule|thalweg.Space beta: y lies between z (0) and x (1)
---@field beta2? number|thalweg.Schedule|thalweg.Space decay of the average of squared gradients
---@field eps? number|thalweg.Schedule|thalweg.Space added to the denominator
---@field bias_correction? "rate"|"moment"|thalweg.Space lr times sqrt(1 - beta2^t), or v divided by 1 - beta2^t
---@field convention? "optax"|thalweg.Space defaults and forms of another library; optax: bias_correction = moment

--- `schedule_free_adamw(params [, {options}]) -> optimizer`
--- `schedule_free_adamw{options} -> recipe`
---
--- AdamW with an average in the place of a learning-rate schedule.
---@overload fun(options?: thalweg.options.optim.schedule_free_adamw): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.schedule_free_adamw
---@return thalweg.Optimizer
function tw.optim.schedule_free_adamw(params, options) end

---@class thalweg.options.optim.lookahead
---@field k? number|thalweg.Schedule|thalweg.Space updates of the base between two of the slow weights
---@field alpha? number|thalweg.Schedule|thalweg.Space step of the slow weights towards the fast ones
---@field reset_state? boolean|thalweg.Space the base forgets its averages whenever the slow weights move
---@field evaluate? "slow"|"fast"|thalweg.Space what opt:eval_params gives: the slow weights, or what the base gives
---@field base any the recipe of the optimizer that takes the steps, tw.optim.sgd{ ... }

--- `lookahead(params [, {options}]) -> optimizer`
--- `lookahead{options} -> recipe`
---
--- Slow weights that follow another optimizer's.
---@overload fun(options?: thalweg.options.optim.lookahead): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.lookahead
---@return thalweg.Optimizer
function tw.optim.lookahead(params, options) end

---@class thalweg.options.optim.sam
---@field rho? number|thalweg.Schedule|thalweg.Space radius of the neighbourhood
---@field adaptive? boolean|thalweg.Space measure the neighbourhood relative to each parameter
---@field base any the recipe of the optimizer that takes the steps, tw.optim.sgd{ ... }

--- `sam(params [, {options}]) -> optimizer`
--- `sam{options} -> recipe`
---
--- sharpness-aware minimisation around another optimizer, two gradients a step.
---@overload fun(options?: thalweg.options.optim.sam): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.sam
---@return thalweg.Optimizer
function tw.optim.sam(params, options) end

---@class thalweg.options.optim.svrg
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, see decay
---@field decay? "coupled"|"decoupled"|"independent"|thalweg.Space weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p
---@field n number|thalweg.Schedule|thalweg.Space number of terms
---@field period? number|thalweg.Schedule|thalweg.Space steps between two whole gradients; 0: 2 n; the same in all lanes

--- `svrg(params [, {options}]) -> optimizer`
--- `svrg{options} -> recipe`
---
--- Stochastic variance-reduced gradient for finite sums.
---@overload fun(options?: thalweg.options.optim.svrg): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.svrg
---@return thalweg.Optimizer
function tw.optim.svrg(params, options) end

---@class thalweg.options.optim.saga
---@field lr? number|thalweg.Schedule|thalweg.Space learning rate
---@field weight_decay? number|thalweg.Schedule|thalweg.Space how strongly parameters are drawn to 0, see decay
---@field decay? "coupled"|"decoupled"|"independent"|thalweg.Space weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p
---@field n number|thalweg.Schedule|thalweg.Space number of terms
---@field start? "gradients"|"zeros"|thalweg.Space the table at first: gradients of all terms, for n evaluations, or zeros

--- `saga(params [, {options}]) -> optimizer`
--- `saga{options} -> recipe`
---
--- Variance reduction by a table of gradients, for finite sums.
---@overload fun(options?: thalweg.options.optim.saga): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.saga
---@return thalweg.Optimizer
function tw.optim.saga(params, options) end

---@class thalweg.options.optim.gd
---@field lr? number|thalweg.Schedule|thalweg.Space the step (line_search none), a factor of it (exact), or a search's first trial
---@field precondition? "none"|"jacobi"|"given"|thalweg.Space what multiplies the gradient: nothing, the inverse of the Hessian's diagonal, or the option preconditioner
---@field trial? "lr"|"last"|thalweg.Space first trial of a line search: lr; or twice the step before, lr min(1, 1/|g|_1) at first
---@field line_search? "none"|"exact"|"backtracking"|"golden"|"strong_wolfe"|"hager_zhang"|thalweg.Space none: the step is lr; exact: lr times the minimum along the direction of the quadratic model (one Hessian-vector product); backtracking: lr shrunk until f decreases enough (Armijo); golden: bracketing from lr and golden section; strong_wolfe: decrease and curvature (More and Thuente 1994); hager_zhang: Wolfe or approximate Wolfe (Hager and Zhang 2005)
---@field c1? number|thalweg.Schedule|thalweg.Space line search: f must fall by c1 times what the slope promises
---@field c2? number|thalweg.Schedule|thalweg.Space line search: the slope must flatten to c2 of the first; strong_wolfe, hager_zhang
---@field shrink? number|thalweg.Schedule|thalweg.Space line search: factor of the next trial; backtracking
---@field search_tol? number|thalweg.Schedule|thalweg.Space line search: relative width at which golden stops; relative error of f that hager_zhang allows
---@field max_evaluations? number|thalweg.Schedule|thalweg.Space trial points in one step at most
---@field tol_grad? number|thalweg.Schedule|thalweg.Space reason "gradient": no gradient element is larger, the parameters stay
---@field tol_step? number|thalweg.Schedule|thalweg.Space reason "step": the step has moved no parameter by more
---@field tol_function? number|thalweg.Schedule|thalweg.Space reason "function": the step has changed the loss by no more, where a search knows it

--- `gd(params [, {options}]) -> optimizer`
--- `gd{options} -> recipe`
---
--- Steepest descent with a line search, plain or preconditioned.
---@overload fun(options?: thalweg.options.optim.gd): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.gd
---@return thalweg.Optimizer
function tw.optim.gd(params, options) end

---@class thalweg.options.optim.coordinate_descent
---@field lr? number|thalweg.Schedule|thalweg.Space factor of the exact step (relaxation), the step (line_search none), or a search's first trial
---@field order? "cyclic"|"random"|"greedy"|thalweg.Space one after the other, drawn uniformly, or the one with the largest gradient element
---@field seed? number|thalweg.Schedule|thalweg.Space of the random order
---@field line_search? "none"|"exact"|"backtracking"|"golden"|"strong_wolfe"|"hager_zhang"|thalweg.Space none: the step is lr; exact: lr times the minimum along the direction of the quadratic model (one Hessian-vector product); backtracking: lr shrunk until f decreases enough (Armijo); golden: bracketing from lr and golden section; strong_wolfe: decrease and curvature (More and Thuente 1994); hager_zhang: Wolfe or approximate Wolfe (Hager and Zhang 2005)
---@field c1? number|thalweg.Schedule|thalweg.Space line search: f must fall by c1 times what the slope promises
---@field c2? number|thalweg.Schedule|thalweg.Space line search: the slope must flatten to c2 of the first; strong_wolfe, hager_zhang
---@field shrink? number|thalweg.Schedule|thalweg.Space line search: factor of the next trial; backtracking
---@field search_tol? number|thalweg.Schedule|thalweg.Space line search: relative width at which golden stops; relative error of f that hager_zhang allows
---@field max_evaluations? number|thalweg.Schedule|thalweg.Space trial points in one step at most
---@field tol_grad? number|thalweg.Schedule|thalweg.Space reason "gradient": no gradient element is larger, the parameters stay
---@field tol_step? number|thalweg.Schedule|thalweg.Space reason "step": the step has moved no parameter by more
---@field tol_function? number|thalweg.Schedule|thalweg.Space reason "function": the step has changed the loss by no more, where a search knows it

--- `coordinate_descent(params [, {options}]) -> optimizer`
--- `coordinate_descent{options} -> recipe`
---
--- One coordinate per step: cyclic, random or greedy.
---@overload fun(options?: thalweg.options.optim.coordinate_descent): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.coordinate_descent
---@return thalweg.Optimizer
function tw.optim.coordinate_descent(params, options) end

---@class thalweg.options.optim.newton
---@field lr? number|thalweg.Schedule|thalweg.Space factor of the Newton step; below 1: damped Newton. With a line search its first trial
---@field damping? number|thalweg.Schedule|thalweg.Space added to the diagonal of the Hessian
---@field absolute? boolean|thalweg.Space eigenvalues of the Hessian are replaced by their absolute values
---@field floor? number|thalweg.Schedule|thalweg.Space absolute: the smallest eigenvalue that counts, relative to the largest
---@field line_search? "none"|"exact"|"backtracking"|"golden"|"strong_wolfe"|"hager_zhang"|thalweg.Space none: the step is lr; exact: lr times the minimum along the direction of the quadratic model (one Hessian-vector product); backtracking: lr shrunk until f decreases enough (Armijo); golden: bracketing from lr and golden section; strong_wolfe: decrease and curvature (More and Thuente 1994); hager_zhang: Wolfe or approximate Wolfe (Hager and Zhang 2005)
---@field c1? number|thalweg.Schedule|thalweg.Space line search: f must fall by c1 times what the slope promises
---@field c2? number|thalweg.Schedule|thalweg.Space line search: the slope must flatten to c2 of the first; strong_wolfe, hager_zhang
---@field shrink? number|thalweg.Schedule|thalweg.Space line search: factor of the next trial; backtracking
---@field search_tol? number|thalweg.Schedule|thalweg.Space line search: relative width at which golden stops; relative error of f that hager_zhang allows
---@field max_evaluations? number|thalweg.Schedule|thalweg.Space trial points in one step at most
---@field tol_grad? number|thalweg.Schedule|thalweg.Space reason "gradient": no gradient element is larger, the parameters stay
---@field tol_step? number|thalweg.Schedule|thalweg.Space reason "step": the step has moved no parameter by more
---@field tol_function? number|thalweg.Schedule|thalweg.Space reason "function": the step has changed the loss by no more, where a search knows it

--- `newton(params [, {options}]) -> optimizer`
--- `newton{options} -> recipe`
---
--- Newton's method: damped, with a line search, or with the absolute values of the eigenvalues.
---@overload fun(options?: thalweg.options.optim.newton): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.newton
---@return thalweg.Optimizer
function tw.optim.newton(params, options) end

---@class thalweg.options.optim.gauss_newton
---@field lr? number|thalweg.Schedule|thalweg.Space factor of the step; with a line search its first trial
---@field line_search? "none"|"exact"|"backtracking"|"golden"|"strong_wolfe"|"hager_zhang"|thalweg.Space none: the step is lr; exact: lr times the minimum along the direction of the quadratic model (one Hessian-vector product); backtracking: lr shrunk until f decreases enough (Armijo); golden: bracketing from lr and golden section; strong_wolfe: decrease and curvature (More and Thuente 1994); hager_zhang: Wolfe or approximate Wolfe (Hager and Zhang 2005)
---@field c1? number|thalweg.Schedule|thalweg.Space line search: f must fall by c1 times what the slope promises
---@field c2? number|thalweg.Schedule|thalweg.Space line search: the slope must flatten to c2 of the first; strong_wolfe, hager_zhang
---@field shrink? number|thalweg.Schedule|thalweg.Space line search: factor of the next trial; backtracking
---@field search_tol? number|thalweg.Schedule|thalweg.Space line search: relative width at which golden stops; relative error of f that hager_zhang allows
---@field max_evaluations? number|thalweg.Schedule|thalweg.Space trial points in one step at most
---@field tol_grad? number|thalweg.Schedule|thalweg.Space reason "gradient": no gradient element is larger, the parameters stay
---@field tol_step? number|thalweg.Schedule|thalweg.Space reason "step": the step has moved no parameter by more
---@field tol_function? number|thalweg.Schedule|thalweg.Space reason "function": the step has changed the loss by no more, where a search knows it

--- `gauss_newton(params [, {options}]) -> optimizer`
--- `gauss_newton{options} -> recipe`
---
--- Gauss-Newton for least squares: the function returns the vector of residuals, the loss is half their sum of squares.
---@overload fun(options?: thalweg.options.optim.gauss_newton): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.gauss_newton
---@return thalweg.Optimizer
function tw.optim.gauss_newton(params, options) end

---@class thalweg.options.optim.levenberg_marquardt
---@field lambda? number|thalweg.Schedule|thalweg.Space damping in the first step, relative to the diagonal of J'J; then the rule's
---@field rule? "nielsen"|"marquardt"|thalweg.Space how lambda follows the ratio of actual to promised decrease
---@field scaling? "jacobian"|"identity"|thalweg.Space lambda multiplies the diagonal of J'J, or the identity times its first largest element
---@field factor? number|thalweg.Schedule|thalweg.Space marquardt: by which lambda grows and shrinks
---@field max_evaluations? number|thalweg.Schedule|thalweg.Space trial points in one step at most
---@field tol_grad? number|thalweg.Schedule|thalweg.Space reason "gradient": no gradient element is larger, the parameters stay
---@field tol_step? number|thalweg.Schedule|thalweg.Space reason "step": the step has moved no parameter by more
---@field tol_function? number|thalweg.Schedule|thalweg.Space reason "function": the step has changed the loss by no more, where a search knows it

--- `levenberg_marquardt(params [, {options}]) -> optimizer`
--- `levenberg_marquardt{options} -> recipe`
---
--- Damped Gauss-Newton for least squares: the function returns the vector of residuals, the loss is half their sum of squares.
---@overload fun(options?: thalweg.options.optim.levenberg_marquardt): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.levenberg_marquardt
---@return thalweg.Optimizer
function tw.optim.levenberg_marquardt(params, options) end

---@class thalweg.options.optim.trust_region
---@field method? "steihaug"|"dogleg"|thalweg.Space conjugate gradients by Hessian-vector products, or a path in two pieces from the whole Hessian
---@field radius? number|thalweg.Schedule|thalweg.Space of the region in the first step
---@field radius_max? number|thalweg.Schedule|thalweg.Space the largest radius
---@field eta? number|thalweg.Schedule|thalweg.Space a step is accepted where the ratio of actual to promised decrease is larger
---@field floor? number|thalweg.Schedule|thalweg.Space dogleg: the smallest eigenvalue that counts, relative to the largest
---@field max_inner? number|thalweg.Schedule|thalweg.Space steihaug: conjugate gradient iterations at most; 0: twice the number of parameters
---@field max_evaluations? number|thalweg.Schedule|thalweg.Space trial points in one step at most
---@field tol_grad? number|thalweg.Schedule|thalweg.Space reason "gradient": no gradient element is larger, the parameters stay
---@field tol_step? number|thalweg.Schedule|thalweg.Space reason "step": the step has moved no parameter by more
---@field tol_function? number|thalweg.Schedule|thalweg.Space reason "function": the step has changed the loss by no more, where a search knows it

--- `trust_region(params [, {options}]) -> optimizer`
--- `trust_region{options} -> recipe`
---
--- Newton's method in a trust region: Steihaug's conjugate gradients, or a dogleg.
---@overload fun(options?: thalweg.options.optim.trust_region): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.trust_region
---@return thalweg.Optimizer
function tw.optim.trust_region(params, options) end

---@class thalweg.options.optim.conjugate_gradient
---@field lr? number|thalweg.Schedule|thalweg.Space factor of the exact step, the step (line_search none), or a search's first trial
---@field beta? "FR"|"PR"|"HS"|"DY"|"HZ"|thalweg.Space how much of the last direction stays: Fletcher-Reeves, Polak-Ribiere (at least 0), Hestenes-Stiefel, Dai-Yuan, Hager-Zhang
---@field restart? number|thalweg.Schedule|thalweg.Space -g is the direction again every so many steps; 0: never
---@field powell? number|thalweg.Schedule|thalweg.Space -g is the direction where successive gradients are so far from orthogonal; 0.2 is usual
---@field trial? "lr"|"last"|thalweg.Space first trial of a line search: lr; or twice the step before, lr min(1, 1/|g|_1) at first
---@field line_search? "none"|"exact"|"backtracking"|"golden"|"strong_wolfe"|"hager_zhang"|thalweg.Space none: the step is lr; exact: lr times the minimum along the direction of the quadratic model (one Hessian-vector product); backtracking: lr shrunk until f decreases enough (Armijo); golden: bracketing from lr and golden section; strong_wolfe: decrease and curvature (More and Thuente 1994); hager_zhang: Wolfe or approximate Wolfe (Hager and Zhang 2005)
---@field c1? number|thalweg.Schedule|thalweg.Space line search: f must fall by c1 times what the slope promises
---@field c2? number|thalweg.Schedule|thalweg.Space line search: the slope must flatten to c2 of the first; strong_wolfe, hager_zhang
---@field shrink? number|thalweg.Schedule|thalweg.Space line search: factor of the next trial; backtracking
---@field search_tol? number|thalweg.Schedule|thalweg.Space line search: relative width at which golden stops; relative error of f that hager_zhang allows
---@field max_evaluations? number|thalweg.Schedule|thalweg.Space trial points in one step at most
---@field tol_grad? number|thalweg.Schedule|thalweg.Space reason "gradient": no gradient element is larger, the parameters stay
---@field tol_step? number|thalweg.Schedule|thalweg.Space reason "step": the step has moved no parameter by more
---@field tol_function? number|thalweg.Schedule|thalweg.Space reason "function": the step has changed the loss by no more, where a search knows it

--- `conjugate_gradient(params [, {options}]) -> optimizer`
--- `conjugate_gradient{options} -> recipe`
---
--- Nonlinear conjugate gradients in five forms.
---@overload fun(options?: thalweg.options.optim.conjugate_gradient): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.conjugate_gradient
---@return thalweg.Optimizer
function tw.optim.conjugate_gradient(params, options) end

---@class thalweg.options.optim.bfgs
---@field lr? number|thalweg.Schedule|thalweg.Space factor of the exact step, the step (line_search none), or a search's first trial
---@field scale? boolean|thalweg.Space the identity is scaled to the curvature of the first pair; the first trial is lr min(1, 1/|g|_1)
---@field bad_pairs? "skip"|"damp"|thalweg.Space pairs without positive curvature are left out, or damped (Powell)
---@field eps? number|thalweg.Schedule|thalweg.Space curvature s'y counts as positive above eps |s||y|
---@field line_search? "none"|"exact"|"backtracking"|"golden"|"strong_wolfe"|"hager_zhang"|thalweg.Space none: the step is lr; exact: lr times the minimum along the direction of the quadratic model (one Hessian-vector product); backtracking: lr shrunk until f decreases enough (Armijo); golden: bracketing from lr and golden section; strong_wolfe: decrease and curvature (More and Thuente 1994); hager_zhang: Wolfe or approximate Wolfe (Hager and Zhang 2005)
---@field c1? number|thalweg.Schedule|thalweg.Space line search: f must fall by c1 times what the slope promises
---@field c2? number|thalweg.Schedule|thalweg.Space line search: the slope must flatten to c2 of the first; strong_wolfe, hager_zhang
---@field shrink? number|thalweg.Schedule|thalweg.Space line search: factor of the next trial; backtracking
---@field search_tol? number|thalweg.Schedule|thalweg.Space line search: relative width at which golden stops; relative error of f that hager_zhang allows
---@field max_evaluations? number|thalweg.Schedule|thalweg.Space trial points in one step at most
---@field tol_grad? number|thalweg.Schedule|thalweg.Space reason "gradient": no gradient element is larger, the parameters stay
---@field tol_step? number|thalweg.Schedule|thalweg.Space reason "step": the step has moved no parameter by more
---@field tol_function? number|thalweg.Schedule|thalweg.Space reason "function": the step has changed the loss by no more, where a search knows it

--- `bfgs(params [, {options}]) -> optimizer`
--- `bfgs{options} -> recipe`
---
--- The quasi-Newton method of Broyden, Fletcher, Goldfarb and Shanno.
---@overload fun(options?: thalweg.options.optim.bfgs): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.bfgs
---@return thalweg.Optimizer
function tw.optim.bfgs(params, options) end

---@class thalweg.options.optim.lbfgs
---@field lr? number|thalweg.Schedule|thalweg.Space the step (line_search none), a factor of it (exact), or a search's first trial
---@field history? number|thalweg.Schedule|thalweg.Space pairs remembered; the same in all lanes
---@field eps? number|thalweg.Schedule|thalweg.Space pairs with s'y not above it are left out
---@field line_search? "none"|"exact"|"backtracking"|"golden"|"strong_wolfe"|"hager_zhang"|thalweg.Space none: the step is lr; exact: lr times the minimum along the direction of the quadratic model (one Hessian-vector product); backtracking: lr shrunk until f decreases enough (Armijo); golden: bracketing from lr and golden section; strong_wolfe: decrease and curvature (More and Thuente 1994); hager_zhang: Wolfe or approximate Wolfe (Hager and Zhang 2005)
---@field c1? number|thalweg.Schedule|thalweg.Space line search: f must fall by c1 times what the slope promises
---@field c2? number|thalweg.Schedule|thalweg.Space line search: the slope must flatten to c2 of the first; strong_wolfe, hager_zhang
---@field shrink? number|thalweg.Schedule|thalweg.Space line search: factor of the next trial; backtracking
---@field search_tol? number|thalweg.Schedule|thalweg.Space line search: relative width at which golden stops; relative error of f that hager_zhang allows
---@field max_evaluations? number|thalweg.Schedule|thalweg.Space trial points in one step at most
---@field tol_grad? number|thalweg.Schedule|thalweg.Space reason "gradient": no gradient element is larger, the parameters stay
---@field tol_step? number|thalweg.Schedule|thalweg.Space reason "step": the step has moved no parameter by more
---@field tol_function? number|thalweg.Schedule|thalweg.Space reason "function": the step has changed the loss by no more, where a search knows it

--- `lbfgs(params [, {options}]) -> optimizer`
--- `lbfgs{options} -> recipe`
---
--- BFGS with limited memory.
---@overload fun(options?: thalweg.options.optim.lbfgs): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.lbfgs
---@return thalweg.Optimizer
function tw.optim.lbfgs(params, options) end

---@class thalweg.options.optim.define
---@field name string what the optimizer is called: tw.optim.<name>
---@field params? table hyperparameters: a number, true or false, or { default, min =, max =, about = }
---@field slots? table names of state tensors, one of each per parameter, zero at first
---@field step function step(p, g, slot, hyper, t), called for every parameter
---@field about? string one sentence

--- `define{ name, params = {}, slots = {}, step, about = "defined by the script" } -> function`
---
--- An optimizer written in the script. step(p, g, slot, hyper, t) is called once per parameter: p, g and slot.<name> are tensors of one shape, changed in
--- place with p:assign(...); hyper has the hyperparameters in force, t counts from 1. What define returns is used like any other optimizer: with
--- parameters, as a recipe, with schedules, groups, clipping, saved state; `decay` and `weight_decay` are the step's own business.
---@param o thalweg.options.optim.define
---@return fun(params?: any, options?: table): thalweg.Optimizer|thalweg.Recipe
function tw.optim.define(o) end

--- `step(f, ...) -> loss, further results of f`
---
--- Evaluates loss = f(params, ...) and its gradient, updates the parameters in place. Returns what f returned: the loss before the update, then f's
--- further results. f's first result must be a 0-d real tensor.
---@param f fun(params: any, ...): thalweg.Tensor, ... returns the loss, a 0-d real tensor, first
---@return thalweg.Tensor loss before the update, then the further results of f
function Optimizer:step(f, ...) end

--- `update(grads)`
---
--- One step with gradients of one's own: a tree like the parameters'. Another number of gradients is an error.
---@param grads any
function Optimizer:update(grads) end

--- `hyper([path]) -> table, any`
---
--- The hyperparameters applied in the last step (before the first: those it will apply), by name; with a path, those of the group of the parameter there.
--- Around another optimizer, `base` has those of that one.
---@param path? string
---@return table<string, any>
function Optimizer:hyper(path) end

--- `info() -> table`
---
--- What the last step saw and did: grad_norm, the 2-norm of all gradients together before the update; step_norm, that of the change of the parameters;
--- evaluations of f (a Hessian, a product with it or a Jacobian counts as one); reason, why no update was made or why a method that searches stops (""
--- where there is nothing to say). Methods with a line search or a trust region say: "gradient", no element is above tol_grad; "step" and "function", the
--- change was within tol_step, tol_function, or f cannot show what is left to gain; "curvature", the model has no minimum along the direction; "line
--- search failed", "no trial step was acceptable"; "singular", a linear system has no solution (newton: damping or absolute = true help); "loss or
--- gradient not finite", "Hessian not finite". The parameters stay where they are, but for "step" and "function" by those tolerances. `stopped` is
--- whether there is a reason. In runs computed together the numbers are each run's own, evaluations too, and so is stopped, for
--- run:stop_if(opt:info().stopped); asking for a reason that differs between them is an error. An error before the first step.
---@return { grad_norm: number, step_norm: number, evaluations: integer, reason: string, stopped: boolean }
function Optimizer:info() end

--- `grads() -> any`
---
--- The gradients of the last step, a tree like the parameters'. An error before the first step.
---@return any
function Optimizer:grads() end

--- `eval_params() -> any`
---
--- The parameters to evaluate with, a tree like the parameters': a moving average where there is one (option ema, or a method that trains at one point
--- and returns another), else copies of the parameters.
---@return any
function Optimizer:eval_params() end

--- `state() -> table`
---
--- Everything a step depends on besides the parameters, by name, as plain data: counts, slots by parameter path, state of schedules. A copy.
---@return table
function Optimizer:state() end

--- `load(state)`
---
--- Takes back what state() gave: the steps that follow are those that would have followed, bit for bit, given the same parameters. A state of another
--- kind, or of other parameters, is an error and changes nothing.
---@param state table
function Optimizer:load(state) end

--- `report(value)`
---
--- Tells schedules that watch a metric (plateau) its latest value. An error where no hyperparameter has such a schedule.
---@param value number
function Optimizer:report(value) end

---@class thalweg.options.schedule.constant
---@field value? number|thalweg.Space the value at every step

--- `constant([value]) -> schedule`
---
--- The same value at every step.
---
--- Formula: `s(t) = value`
---@param value? number default 1
---@return thalweg.Schedule
function tw.schedule.constant(value) end

---@class thalweg.options.schedule.piecewise
---@field boundaries number[]|thalweg.Space the steps at which the value changes, ascending
---@field values number[]|thalweg.Space one value more than there are boundaries

--- `piecewise{ boundaries, values } -> schedule`
---
--- Constant between boundaries. At a boundary the new value already holds (as in PyTorch's MultiStepLR and Optax; Keras' PiecewiseConstantDecay keeps the
--- old one for that step). Boundaries that do not ascend and a wrong number of values are errors.
---
--- Formula: `s(t) = values[k + 1], where k boundaries are <= t`
---@param o thalweg.options.schedule.piecewise
---@return thalweg.Schedule
function tw.schedule.piecewise(o) end

---@class thalweg.options.schedule.step
---@field size integer|thalweg.Space steps from one change to the next
---@field gamma? number|thalweg.Space the factor at each change

--- `step{ size, gamma = 0.1 } -> schedule`
---
--- Multiplied by gamma after every `size` steps, for ever: step `size` is the first with the new value (PyTorch's StepLR; Optax's and Keras' exponential
--- decay with staircase).
---
--- Formula: `s(t) = gamma^floor(t / size)`
---@param o thalweg.options.schedule.step
---@return thalweg.Schedule
function tw.schedule.step(o) end

---@class thalweg.options.schedule.multistep
---@field milestones number[]|thalweg.Space the steps at which the value changes, ascending
---@field gamma? number|thalweg.Space the factor at each milestone

--- `multistep{ milestones, gamma = 0.1 } -> schedule`
---
--- Multiplied by gamma at each milestone, from that step on (PyTorch's MultiStepLR, which counts a repeated milestone twice: here they ascend; Optax's
--- piecewise_constant_schedule with equal scales).
---
--- Formula: `s(t) = gamma^k, where k milestones are <= t`
---@param o thalweg.options.schedule.multistep
---@return thalweg.Schedule
function tw.schedule.multistep(o) end

---@class thalweg.options.schedule.interpolated
---@field boundaries number[]|thalweg.Space the steps at which the values are reached, ascending
---@field values number[]|thalweg.Space the value at step 0, then one per boundary
---@field method? "linear"|"cosine"|thalweg.Space straight lines or half cosines

--- `interpolated{ boundaries, values, method = "linear" } -> schedule`
---
--- The curve through (0, values[1]), (boundaries[1], values[2]), ..., straight or in half cosines; after the last boundary its value stays. It is Optax's
--- piecewise_interpolate_schedule with values instead of scales that multiply up; Optax's linear_onecycle_schedule is one of these; PyTorch's SWALR is
--- interpolated{ boundaries = { anneal_epochs }, values = { 1, swa_lr / lr }, method = "cosine" } behind a join.
---
--- Formula: `s(t) = a + (b - a) u, u = x or (1 - cos(pi x)) / 2, x = (t - t_a) / (t_b - t_a) between neighbouring points`
---@param o thalweg.options.schedule.interpolated
---@return thalweg.Schedule
function tw.schedule.interpolated(o) end

---@class thalweg.options.schedule.exponential
---@field rate? number|thalweg.Space decay per step; 0.01 when gamma is not given either
---@field gamma? number|thalweg.Space the factor per step, instead of the rate
---@field every? integer|thalweg.Space steps from one change to the next

--- `exponential{ rate, gamma, every } -> schedule`
---
--- Exponential decay, for ever: by the rate, or by gamma = e^-rate (PyTorch's ExponentialLR; Optax's exponential_decay with transition_steps = 1 and
--- decay_rate = gamma). With `every` the exponent grows by one only every so many steps: step `every` is the first with the new value (staircase in Optax
--- and Keras, decay_steps = every). rate and gamma together are an error; without either the rate is 0.01.
---
--- Formula: `s(t) = e^(-rate t), or gamma^t; with every: t replaced by floor(t / every)`
---@param o? thalweg.options.schedule.exponential
---@return thalweg.Schedule
function tw.schedule.exponential(o) end

---@class thalweg.options.schedule.inverse_power
---@field alpha? number|thalweg.Space the power
---@field beta? number|thalweg.Space decay per step inside the power

--- `inverse_power{ alpha = 0.5, beta = 0.1 } -> schedule`
---
--- Polynomial decay, for ever.
---
--- Formula: `s(t) = (1 + beta t)^(-alpha)`
---@param o? thalweg.options.schedule.inverse_power
---@return thalweg.Schedule
function tw.schedule.inverse_power(o) end

---@class thalweg.options.schedule.polynomial
---@field alpha? number|thalweg.Space the power
---@field beta? number|thalweg.Space decay per step inside the power

--- `polynomial{ alpha = 0.5, beta = 0.1 } -> schedule`
---
--- inverse_power under another name. PyTorch's PolynomialLR, which ends at 0, is decay.
---@param o? thalweg.options.schedule.polynomial
---@return thalweg.Schedule
function tw.schedule.polynomial(o) end

---@class thalweg.options.schedule.inverse_time
---@field rate? number|thalweg.Space decay per step
---@field every? integer|thalweg.Space steps from one change to the next

--- `inverse_time{ rate = 0.01, every } -> schedule`
---
--- One over a line, for ever (learningRateDecay of Torch7's optimizers, lr_decay of PyTorch's Adagrad). With `every` in steps: step `every` is the first
--- with the new value (Keras' InverseTimeDecay with staircase, decay_steps = every).
---
--- Formula: `s(t) = 1 / (1 + rate t); with every: t replaced by floor(t / every)`
---@param o? thalweg.options.schedule.inverse_time
---@return thalweg.Schedule
function tw.schedule.inverse_time(o) end

--- `inverse_sqrt{  } -> schedule`
---
--- One over the root of the step's number, counted from 1.
---
--- Formula: `s(t) = (t + 1)^(-1/2)`
---@type fun(o?: {}): thalweg.Schedule
tw.schedule.inverse_sqrt = nil

---@class thalweg.options.schedule.linear
---@field from? number|thalweg.Space the first value, as a factor of the base
---@field to? number|thalweg.Space the last value, as a factor of the base
---@field steps number|thalweg.Space the step at which the last value is reached

--- `linear{ from = 1, to = 0, steps } -> schedule`
---
--- A straight line from `from` at step 0 to `to` at step `steps`, where it stays (PyTorch's LinearLR with start_factor, end_factor, total_iters; Optax's
--- linear_schedule; Keras' PolynomialDecay of power 1).
---
--- Formula: `s(t) = from + (to - from) t / steps for t < steps, then to`
---@param o thalweg.options.schedule.linear
---@return thalweg.Schedule
function tw.schedule.linear(o) end

---@class thalweg.options.schedule.decay
---@field steps number|thalweg.Space the step at which the last value is reached
---@field power? number|thalweg.Space the power of the line
---@field to? number|thalweg.Space the last value, as a factor of the first
---@field cycle? boolean|thalweg.Space begin again, over ever longer lines

--- `decay{ steps, power = 1, to = 0, cycle } -> schedule`
---
--- A power of a falling line from 1 to `to` at step `steps`, where it stays (PyTorch's PolynomialLR, whose end is 0; Optax's polynomial_schedule; Keras'
--- PolynomialDecay). With cycle the line begins again: after step `steps` it falls to `to` at 2 steps, from the height it has there, and so on (Keras).
---
--- Formula: `s(t) = to + (1 - to) (1 - t / steps)^power for t < steps, then to; with cycle: steps replaced by steps ceil(t / steps), for ever`
---@param o thalweg.options.schedule.decay
---@return thalweg.Schedule
function tw.schedule.decay(o) end

---@class thalweg.options.schedule.cosine
---@field steps number|thalweg.Space the step at which the minimum is reached
---@field min? number|thalweg.Space the last value, as a factor of the first
---@field exponent? number|thalweg.Space the power of the falling cosine, 1 when not given

--- `cosine{ steps, min = 0, exponent } -> schedule`
---
--- Half a cosine from 1 down to min, where it stays (Optax's cosine_decay_schedule and Keras' CosineDecay, whose alpha is min; PyTorch's
--- CosineAnnealingLR up to T_max, where that turns and rises again). exponent is Optax's: a power of the falling cosine.
---
--- Formula: `s(t) = min + (1 - min) ((1 + cos(pi t / steps)) / 2)^exponent for t < steps, then min`
---@param o thalweg.options.schedule.cosine
---@return thalweg.Schedule
function tw.schedule.cosine(o) end

---@class thalweg.options.schedule.cosine_restarts
---@field period number|thalweg.Space steps of the first period
---@field mult? number|thalweg.Space each period is so many times as long as the one before
---@field min? number|thalweg.Space the lowest value, as a factor of the first
---@field amplitude? number|thalweg.Space each period is so many times as high as the one before, 1 when not given

--- `cosine_restarts{ period, mult = 1, min = 0, amplitude } -> schedule`
---
--- Half a cosine down to min, again and again: step `period` is the first of the second period and back at the top (PyTorch's
--- CosineAnnealingWarmRestarts, T_0 = period, T_mult = mult; Optax's sgdr_schedule; Keras' CosineDecayRestarts with t_mul = mult, m_mul = amplitude).
---
--- Formula: `s(t) = min + (1 - min) amplitude^i (1 + cos(pi u / T_i)) / 2, u steps into period i = 0, 1, ..., of T_i = period mult^i steps`
---@param o thalweg.options.schedule.cosine_restarts
---@return thalweg.Schedule
function tw.schedule.cosine_restarts(o) end

---@class thalweg.options.schedule.cyclic
---@field low? number|thalweg.Space the bottom, as a factor of the top
---@field up number|thalweg.Space steps from the bottom to the top
---@field down? number|thalweg.Space steps from the top to the bottom, as many as up when not given
---@field mode? "triangular"|"triangular2"|"exp_range"|thalweg.Space what becomes of the height
---@field gamma? number|thalweg.Space the height's factor per step, for exp_range

--- `cyclic{ low = 0, up, down, mode = "triangular", gamma } -> schedule`
---
--- Up from low to the base in `up` steps, down again in `down`, for ever; the base is the top (PyTorch's CyclicLR, whose base_lr is the bottom).
--- "triangular2" halves the height after every cycle, "exp_range" multiplies it by gamma at every step. A schedule of the momentum, if it shall cycle as
--- well, is given to the momentum: 0.9 * cyclic{ ... }.
---
--- Formula: `s(t) = low + (1 - low) x h, x = u / up or (up + down - u) / down, u = t mod (up + down), h = 1, 2^-floor(t / (up + down)) or gamma^t`
---@param o thalweg.options.schedule.cyclic
---@return thalweg.Schedule
function tw.schedule.cyclic(o) end

---@class thalweg.options.schedule.onecycle
---@field steps integer|thalweg.Space steps of the whole run
---@field pct_start? number|thalweg.Space the share of the steps in which it rises
---@field div_factor? number|thalweg.Space the top is so many times the first value
---@field final_div_factor? number|thalweg.Space the first value is so many times the last
---@field anneal? "cos"|"linear"|thalweg.Space half cosines or straight lines
---@field three_phase? boolean|thalweg.Space fall to the first value as fast as it rose, then to the last

--- `onecycle{ options } -> schedule`
---
--- One rise to the base and one fall to almost nothing, with PyTorch's phases (OneCycleLR, total_steps = steps): from 1 / div_factor at step 0 up to 1 at
--- step pct_start steps - 1, down to 1 / (div_factor final_div_factor) at step steps - 1, the last of the run; in three phases first down to 1 /
--- div_factor, as fast as it rose. After the end it stays (PyTorch raises an error; Optax's two ends lie one step later, at pct_start steps and at
--- steps). The step at a phase's end belongs to that phase.
---
--- Formula: `s(t) = b + (a - b) (1 + cos(pi x)) / 2, or a + (b - a) x, x = (t - t_a) / (t_b - t_a), from a to b in each phase`
---@param o thalweg.options.schedule.onecycle
---@return thalweg.Schedule
function tw.schedule.onecycle(o) end

--- `warmup(n [, after]) -> schedule`
---
--- Grows linearly to its base in n steps, then goes on with another schedule, whose step 0 is step n. Step 0 has 1/n, not 0, and step n - 1 the base
--- (PyTorch's LinearLR{1/n, 1, n - 1} before a SequentialLR; Optax's and Keras' warm-ups begin at their own value and reach the base at step n: join{ {
--- linear{ from = 0, to = 1, steps = n }, n }, after }). The steps of `after` are its own: they do not include the warm-up, unlike decay_steps of Optax's
--- warmup_cosine_decay_schedule.
---
--- Formula: `s(t) = (t + 1) / n for t < n, then after(t - n)`
---@param n integer steps of warm-up
---@param after? thalweg.Schedule|number default 1
---@return thalweg.Schedule
function tw.schedule.warmup(n, after) end

--- `join(list) -> schedule`
---
--- One schedule after another, each for so many steps and each from its own step 0, the last for ever: join{ {s1, n1}, {s2, n2}, s3 }. Step n1 is the
--- first of s2 (PyTorch's SequentialLR with milestones n1, n1 + n2; Optax's join_schedules). Numbers are constants.
---
--- Formula: `s(t) = s1(t) for t < n1, s2(t - n1) for t < n1 + n2, ...`
---@param list { [1]: thalweg.Schedule|number, [2]: integer }[] the last without steps
---@return thalweg.Schedule
function tw.schedule.join(list) end

---@class thalweg.options.schedule.plateau
---@field factor? number|thalweg.Space the factor of a reduction
---@field patience? integer|thalweg.Space so many bad reports in a row are borne; the next one reduces
---@field threshold? number|thalweg.Space by how much a report must beat the best one to be good
---@field threshold_mode? "rel"|"abs"|thalweg.Space as a share of the best, or as it is
---@field cooldown? integer|thalweg.Space so many reports after a reduction are not counted as bad
---@field min? number|thalweg.Space the lowest value, as a factor of the base
---@field mode? "min"|"max"|thalweg.Space what is better: less, or more

--- `plateau{ options } -> schedule`
---
--- Multiplied by factor when what is reported has stopped getting better: after more than `patience` bad reports in a row, that is at the 11th with
--- patience = 10 (PyTorch's ReduceLROnPlateau, but for its eps: every reduction counts, however small; Keras reduces one report earlier). A report is bad
--- when it does not beat the best so far by the threshold; NaN is bad. Between reports the value stays, and it never rises. The optimizer hands the
--- reports on, opt:report(loss); the value depends on them and not on the step, so calling s(t) is an error and s:start() gives what follows the reports.
---
--- Formula: `good: value < best (1 - threshold), best - threshold, or for mode "max" value > best (1 + threshold), best + threshold`
---@param o? thalweg.options.schedule.plateau
---@return thalweg.Schedule
function tw.schedule.plateau(o) end

--- `func(name, f) -> schedule`
---
--- A schedule of one's own: f(t) -> number at t = 0, 1, ... (PyTorch's LambdaLR; a callable in Optax and Keras). f must be pure: the same t gives the
--- same number, in any order, any number of times. The name is the schedule's text and its kind, so it tells one from another: two functions need two
--- names, and names of the library's own kinds are taken. The code of f counts for the experiment's code hash. A result that is no number is an error.
---
--- Formula: `s(t) = f(t)`
---@param name string letters, digits and _
---@param f fun(t: number): number
---@return thalweg.Schedule
function tw.schedule.func(name, f) end

---@class thalweg.options.schedule.cosine_annealing
---@field steps number|thalweg.Space the step at which the minimum is reached
---@field min? number|thalweg.Space the last value, as a factor of the first
---@field exponent? number|thalweg.Space the power of the falling cosine, 1 when not given

--- `cosine_annealing{ steps, min = 0, exponent } -> schedule`
---
--- cosine under PyTorch's name (CosineAnnealingLR). After its last step it stays at the minimum instead of rising again.
---@param o thalweg.options.schedule.cosine_annealing
---@return thalweg.Schedule
function tw.schedule.cosine_annealing(o) end

---@class thalweg.options.schedule.warm_restarts
---@field period number|thalweg.Space steps of the first period
---@field mult? number|thalweg.Space each period is so many times as long as the one before
---@field min? number|thalweg.Space the lowest value, as a factor of the first
---@field amplitude? number|thalweg.Space each period is so many times as high as the one before, 1 when not given

--- `warm_restarts{ period, mult = 1, min = 0, amplitude } -> schedule`
---
--- cosine_restarts under PyTorch's name (CosineAnnealingWarmRestarts).
---@param o thalweg.options.schedule.warm_restarts
---@return thalweg.Schedule
function tw.schedule.warm_restarts(o) end

---@class thalweg.options.schedule.reduce_on_plateau
---@field factor? number|thalweg.Space the factor of a reduction
---@field patience? integer|thalweg.Space so many bad reports in a row are borne; the next one reduces
---@field threshold? number|thalweg.Space by how much a report must beat the best one to be good
---@field threshold_mode? "rel"|"abs"|thalweg.Space as a share of the best, or as it is
---@field cooldown? integer|thalweg.Space so many reports after a reduction are not counted as bad
---@field min? number|thalweg.Space the lowest value, as a factor of the base
---@field mode? "min"|"max"|thalweg.Space what is better: less, or more

--- `reduce_on_plateau{ options } -> schedule`
---
--- plateau under PyTorch's name (ReduceLROnPlateau).
---@param o? thalweg.options.schedule.reduce_on_plateau
---@return thalweg.Schedule
function tw.schedule.reduce_on_plateau(o) end

--- `sequential() -> schedule`
---
--- join under PyTorch's name (SequentialLR); the steps stand with each schedule instead of milestones.
---@param list { [1]: thalweg.Schedule|number, [2]: integer }[] the last without steps
---@return thalweg.Schedule
function tw.schedule.sequential(list) end

--- `lambda() -> schedule`
---
--- func under PyTorch's name (LambdaLR).
---@param name string letters, digits and _
---@param f fun(t: number): number
---@return thalweg.Schedule
function tw.schedule.lambda(name, f) end

--- `stepper:factor(t) -> number`
---
--- The value at step t, given what has been reported so far.
---@param t number
---@return number
function Stepper:factor(t) end

--- `stepper:report(value)`
---
--- Tells the schedule how the run goes: a number or a tensor of one element, by tradition the loss on validation data after each epoch. A schedule that
--- does not listen (all but plateau, and what is composed of it) takes no notice.
---@param value number|thalweg.Tensor
function Stepper:report(value) end

--- `stepper:state() -> table`
---
--- A copy of what has been learnt from the reports: an array of plain tables, one per plateau within, empty for other schedules.
---@return table
function Stepper:state() end

--- `stepper:load(state)`
---
--- Goes on where the stepper that gave the state was. The state of another schedule is an error.
---@param state table
function Stepper:load(state) end

--- `s:table(n [, from]) -> array`
---
--- The values s(from), ..., s(from + n - 1) as a plain array; from is 0 by default.
---@param n integer how many
---@param from? integer the first step, default 0
---@return number[]
function Schedule:table(n, from) end

--- `s:start() -> stepper`
---
--- The schedule at the beginning of a run, with the state that plateau has: stepper:factor(t), stepper:report(value), stepper:state(),
--- stepper:load(state). The schedule itself never changes and may be started any number of times.
---@return thalweg.Stepper
function Schedule:start() end

--- `least_squares(X, y [, l2]) -> problem`
---
--- Least squares: f(p) over all n rows of X [n d] and y [n], f(p, i) over those of an index tensor i; problem.n is the number of rows,
--- problem.residual(p) the vector whose half square is f(p), for the methods that want it. The minimiser is found in closed form, the shortest one when
--- there are many. problem.minima, problem.value and problem:solve() have it.
---
--- Formula: `mean of (X_i . p - y_i)^2 / 2 + l2 |p|^2 / 2`
---@param X thalweg.Tensor [n d]
---@param y thalweg.Tensor [n]
---@param l2? number default 0
---@return thalweg.Problem
function tw.problems.least_squares(X, y, l2) end

--- `logistic_regression(X, y [, l2]) -> problem`
---
--- Logistic regression for two classes: f(p) over all n rows of X [n d], f(p, i) over those of an index tensor i; problem.n is the number of rows. y [n]
--- holds two distinct numbers, of which the larger is the positive class. The minimiser has no closed form: problem.minima is empty, problem.value is
--- NaN, and problem:solve() finds it by Newton's method.
---
--- Formula: `mean of log(1 + e^(-s_i X_i . p)) + l2 |p|^2 / 2, s_i = 1 or -1`
---@param X thalweg.Tensor [n d]
---@param y thalweg.Tensor [n]
---@param l2? number default 0
---@return thalweg.Problem
function tw.problems.logistic_regression(X, y, l2) end

---@class thalweg.options.problems.rosenbrock
---@field n? integer|thalweg.Space the dimension
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `rosenbrock{ n = 2, start } -> problem`
---
--- Rosenbrock's valley in n dimensions: easy to reach, slow to follow.
---
--- Formula: `sum over i < n of 100 (x_(i+1) - x_i^2)^2 + (1 - x_i)^2`
---@param o? thalweg.options.problems.rosenbrock
---@return thalweg.Problem
function tw.problems.rosenbrock(o) end

---@class thalweg.options.problems.colville
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `colville{ start } -> problem`
---
--- Colville's function of four variables: two Rosenbrock valleys, coupled.
---
--- Formula: `100 (a^2 - b)^2 + (a - 1)^2 + (c - 1)^2 + 90 (c^2 - d)^2 + 10.1 ((b - 1)^2 + (d - 1)^2) + 19.8 (b - 1)(d - 1)`
---@param o? thalweg.options.problems.colville
---@return thalweg.Problem
function tw.problems.colville(o) end

---@class thalweg.options.problems.wood
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `wood{ start } -> problem`
---
--- Wood's function of four variables: Colville's written as a sum of squares, with a start near a saddle.
---
--- Formula: `100 (b - a^2)^2 + (1 - a)^2 + 90 (d - c^2)^2 + (1 - c)^2 + 10 (b + d - 2)^2 + 0.1 (b - d)^2`
---@param o? thalweg.options.problems.wood
---@return thalweg.Problem
function tw.problems.wood(o) end

---@class thalweg.options.problems.ackley
---@field n? integer|thalweg.Space the dimension
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `ackley{ n = 2, start } -> problem`
---
--- Ackley's function in n dimensions: a cone in a field of bumps. It has no derivative at its minimiser; 0 is given there.
---
--- Formula: `-20 e^(-0.2 sqrt(mean x_i^2)) - e^(mean cos(2 pi x_i)) + 20 + e`
---@param o? thalweg.options.problems.ackley
---@return thalweg.Problem
function tw.problems.ackley(o) end

---@class thalweg.options.problems.levy
---@field n? integer|thalweg.Space the dimension
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `levy{ n = 2, start } -> problem`
---
--- Levy's function in n dimensions.
---
--- Formula: `sin^2(pi w_1) + sum over i < n of (w_i - 1)^2 (1 + 10 sin^2(pi w_i + 1)) + (w_n - 1)^2 (1 + sin^2(2 pi w_n)), w = 1 + (x - 1) / 4`
---@param o? thalweg.options.problems.levy
---@return thalweg.Problem
function tw.problems.levy(o) end

---@class thalweg.options.problems.rastrigin
---@field n? integer|thalweg.Space the dimension
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `rastrigin{ n = 2, start } -> problem`
---
--- Rastrigin's function in n dimensions: a bowl with a local minimum near every point of whole numbers.
---
--- Formula: `10 n + sum of x_i^2 - 10 cos(2 pi x_i)`
---@param o? thalweg.options.problems.rastrigin
---@return thalweg.Problem
function tw.problems.rastrigin(o) end

---@class thalweg.options.problems.styblinski_tang
---@field n? integer|thalweg.Space the dimension
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `styblinski_tang{ n = 2, start } -> problem`
---
--- Styblinski and Tang's function in n dimensions: 2^n minima, the lowest at -2.9035 in every coordinate.
---
--- Formula: `sum of (x_i^4 - 16 x_i^2 + 5 x_i) / 2`
---@param o? thalweg.options.problems.styblinski_tang
---@return thalweg.Problem
function tw.problems.styblinski_tang(o) end

---@class thalweg.options.problems.sphere
---@field n? integer|thalweg.Space the dimension
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `sphere{ n = 2, start } -> problem`
---
--- The sphere: the easiest of all.
---
--- Formula: `sum of x_i^2`
---@param o? thalweg.options.problems.sphere
---@return thalweg.Problem
function tw.problems.sphere(o) end

---@class thalweg.options.problems.schwefel
---@field n? integer|thalweg.Space the dimension
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `schwefel{ n = 2, start } -> problem`
---
--- Schwefel's function in n dimensions: the second best minimum lies far from the best, which is near a corner.
---
--- Formula: `418.9829 n - sum of x_i sin(sqrt(|x_i|)), the constant to the last digit of f64`
---@param o? thalweg.options.problems.schwefel
---@return thalweg.Problem
function tw.problems.schwefel(o) end

---@class thalweg.options.problems.zakharov
---@field n? integer|thalweg.Space the dimension
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `zakharov{ n = 2, start } -> problem`
---
--- Zakharov's function in n dimensions: a bowl with one steep direction.
---
--- Formula: `sum x_i^2 + s^2 + s^4, s = sum of i x_i / 2`
---@param o? thalweg.options.problems.zakharov
---@return thalweg.Problem
function tw.problems.zakharov(o) end

---@class thalweg.options.problems.beale
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `beale{ start } -> problem`
---
--- Beale's function: flat far out, with sharp ridges towards the corners.
---
--- Formula: `(1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2`
---@param o? thalweg.options.problems.beale
---@return thalweg.Problem
function tw.problems.beale(o) end

---@class thalweg.options.problems.booth
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `booth{ start } -> problem`
---
--- Booth's function: a quadratic with a valley along a diagonal.
---
--- Formula: `(x + 2y - 7)^2 + (2x + y - 5)^2`
---@param o? thalweg.options.problems.booth
---@return thalweg.Problem
function tw.problems.booth(o) end

---@class thalweg.options.problems.himmelblau
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `himmelblau{ start } -> problem`
---
--- Himmelblau's function: four minimisers of one value.
---
--- Formula: `(x^2 + y - 11)^2 + (x + y^2 - 7)^2`
---@param o? thalweg.options.problems.himmelblau
---@return thalweg.Problem
function tw.problems.himmelblau(o) end

---@class thalweg.options.problems.matyas
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `matyas{ start } -> problem`
---
--- Matyas' function: a plate-shaped quadratic, condition number 25.
---
--- Formula: `0.26 (x^2 + y^2) - 0.48 xy`
---@param o? thalweg.options.problems.matyas
---@return thalweg.Problem
function tw.problems.matyas(o) end

---@class thalweg.options.problems.three_hump_camel
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `three_hump_camel{ start } -> problem`
---
--- The three-hump camel: two minima of value 0.2986 beside the global one.
---
--- Formula: `2 x^2 - 1.05 x^4 + x^6 / 6 + xy + y^2`
---@param o? thalweg.options.problems.three_hump_camel
---@return thalweg.Problem
function tw.problems.three_hump_camel(o) end

---@class thalweg.options.problems.goldstein_price
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `goldstein_price{ start } -> problem`
---
--- Goldstein and Price's function: values over six orders of magnitude, four local minima.
---
--- Formula: `(1 + (x + y + 1)^2 (19 - 14x + 3x^2 - 14y + 6xy + 3y^2)) (30 + (2x - 3y)^2 (18 - 32x + 12x^2 + 48y - 36xy + 27y^2))`
---@param o? thalweg.options.problems.goldstein_price
---@return thalweg.Problem
function tw.problems.goldstein_price(o) end

---@class thalweg.options.problems.easom
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `easom{ start } -> problem`
---
--- Easom's function: a needle at (pi, pi) in a plain.
---
--- Formula: `-cos(x) cos(y) e^(-(x - pi)^2 - (y - pi)^2)`
---@param o? thalweg.options.problems.easom
---@return thalweg.Problem
function tw.problems.easom(o) end

---@class thalweg.options.problems.mccormick
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `mccormick{ start } -> problem`
---
--- McCormick's function, whose minimiser is (1/2 - pi/3, -1/2 - pi/3).
---
--- Formula: `sin(x + y) + (x - y)^2 - 1.5 x + 2.5 y + 1`
---@param o? thalweg.options.problems.mccormick
---@return thalweg.Problem
function tw.problems.mccormick(o) end

---@class thalweg.options.problems.levy_n13
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `levy_n13{ start } -> problem`
---
--- Levy's function number 13: a grid of local minima.
---
--- Formula: `sin^2(3 pi x) + (x - 1)^2 (1 + sin^2(3 pi y)) + (y - 1)^2 (1 + sin^2(2 pi y))`
---@param o? thalweg.options.problems.levy_n13
---@return thalweg.Problem
function tw.problems.levy_n13(o) end

---@class thalweg.options.problems.branin
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `branin{ start } -> problem`
---
--- Branin's function: three minimisers of value 5 / (4 pi).
---
--- Formula: `(y - 5.1 x^2 / (4 pi^2) + 5 x / pi - 6)^2 + 10 (1 - 1 / (8 pi)) cos(x) + 10`
---@param o? thalweg.options.problems.branin
---@return thalweg.Problem
function tw.problems.branin(o) end

---@class thalweg.options.problems.bukin
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `bukin{ start } -> problem`
---
--- Bukin's function number 6: a parabola of kinks whose floor slopes gently to (-10, 1), where it has no derivative.
---
--- Formula: `100 sqrt(|y - 0.01 x^2|) + 0.01 |x + 10|`
---@param o? thalweg.options.problems.bukin
---@return thalweg.Problem
function tw.problems.bukin(o) end

---@class thalweg.options.problems.drop_wave
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `drop_wave{ start } -> problem`
---
--- The drop wave: rings around the minimiser.
---
--- Formula: `-(1 + cos(12 r)) / (r^2 / 2 + 2), r = sqrt(x^2 + y^2)`
---@param o? thalweg.options.problems.drop_wave
---@return thalweg.Problem
function tw.problems.drop_wave(o) end

---@class thalweg.options.problems.eggholder
---@field start? number[]|thalweg.Space another starting point, one number per coordinate

--- `eggholder{ start } -> problem`
---
--- The eggholder: its least value within the domain lies on the domain's edge, where the gradient is not zero.
---
--- Formula: `-(y + 47) sin(sqrt(|x / 2 + y + 47|)) - x sin(sqrt(|x - y - 47|))`
---@param o? thalweg.options.problems.eggholder
---@return thalweg.Problem
function tw.problems.eggholder(o) end

--- `problem:start([dtype]) -> tensor`
---
--- The usual starting point, a fresh tensor: an optimizer may change it in place. dtype is the default one unless it is given; the finite sums have that
--- of their data.
---@param dtype? "f64"|"f32"
---@return thalweg.Tensor
function Problem:start(dtype) end

--- `problem:minimum([k [, dtype]]) -> tensor`
---
--- The k-th known minimiser, the first by default, as a fresh tensor. One that is not there is an error.
---@param k? integer
---@param dtype? "f64"|"f32"
---@return thalweg.Tensor
function Problem:minimum(k, dtype) end

--- `problem:gap(x) -> tensor`
---
--- How far f(x) lies above the least value, a 0-d tensor. Where the least value has no closed form this is an error.
---
--- Formula: `f(x) - value`
---@param x thalweg.Tensor
---@return thalweg.Tensor
function Problem:gap(x) end

--- `problem:solve() -> tensor`
---
--- The minimiser of a finite sum: of least squares in closed form, of logistic regression by Newton's method. For other problems an error: theirs are
--- listed in problem.minima.
---@return thalweg.Tensor
function Problem:solve() end

--- `problem:hessian([dtype]) -> tensor`
---
--- The Hessian of a quadratic, which is the same everywhere: a fresh matrix, f64 by default. For other problems an error: tw.hessian(problem.f)(x) gives
--- it at a point.
---@param dtype? "f64"|"f32"
---@return thalweg.Tensor
function Problem:hessian(dtype) end

--- `problem:noisy(rng, sd [, examples]) -> problem`
---
--- The same problem with noise u in its gradient, of standard deviation sd in every component and fresh at every evaluation: the mean over so many
--- examples (1 by default), each with noise of its own. Start, minimisers and value stay those of the problem without noise, which is the mean of this
--- one.
---
--- Formula: `f(x) + u . x, u = mean of `examples` draws from N(0, sd^2 I)`
---@param rng thalweg.Generator
---@param sd number
---@param examples? integer
---@return thalweg.Problem
function Problem:noisy(rng, sd, examples) end

---@class thalweg.options.problems.quadratic
---@field eigenvalues? number[]|thalweg.Space of the Hessian; or n, condition and spectrum
---@field n? integer|thalweg.Space the dimension
---@field condition? number|thalweg.Space the largest eigenvalue, the smallest being 1; 100 when not given
---@field spectrum? "log"|"linear"|"outlier"|"two"|thalweg.Space how the eigenvalues lie between 1 and condition: equal ratios (when not given), equal steps, all but one at 1, half and half
---@field rotate? any a seed or a generator: turns the axes by a matrix from Haar's measure
---@field center? number[]|thalweg.Space the minimiser, 0 when not given
---@field start? number[]|thalweg.Space the starting point, 1 in every coordinate when not given

--- `quadratic{ options } -> problem`
---
--- A convex quadratic with any spectrum and axes: problem:hessian() is its matrix A, problem.minima[1] its exact solution. The spectrum is given as such,
--- or by its extent and form. Both, neither, and coordinates of another number are errors.
---
--- Formula: `(x - center)^T A (x - center) / 2, A = Q diag(eigenvalues) Q^T`
---@param o? thalweg.options.problems.quadratic
---@return thalweg.Problem
function tw.problems.quadratic(o) end

---@class thalweg.options.problems.quadratic_deep
---@field n? integer|thalweg.Space the dimension
---@field seed? integer|thalweg.Space of the spectrum, the rotation and the data
---@field examples? integer|thalweg.Space points of the data set
---@field noise? number|thalweg.Space standard deviation of the data in every coordinate
---@field start? number[]|thalweg.Space the starting point, 1 in every coordinate when not given

--- `quadratic_deep{ n = 100, seed = 42, examples = 1000, noise = 0.6, start } -> problem`
---
--- DeepOBS's quadratic_deep: a spectrum as found in deep networks (nine tenths of the eigenvalues uniform in (0, 1), one tenth in (30, 60)), a rotation
--- from Haar's measure, and data z_i from N(0, noise^2 I). f(x) is the mean over all data, f(x, i) over those of an index tensor; problem.n is their
--- number. The minimiser is the mean of the data. Everything is drawn from this library's generator, so the numbers are not DeepOBS's own, whose seed is
--- 42 as well.
---
--- Formula: `mean of (x - z_i)^T Q (x - z_i) / 2`
---@param o? thalweg.options.problems.quadratic_deep
---@return thalweg.Problem
function tw.problems.quadratic_deep(o) end

---@class thalweg.options.nn.linear
---@field [integer] integer|thalweg.Space inputs and outputs: linear{64, 32}
---@field init? "kaiming_uniform"|"xavier"|"he"|"lecun"|"normal"|"uniform"|"orthogonal"|"constant"|"zeros"|thalweg.Space how weights begin
---@field std? number|thalweg.Space standard deviation of init = "normal" and "uniform"
---@field value? number|thalweg.Space the weights of init = "constant", 0.1 if absent

--- `linear{ sizes, init = "kaiming_uniform", std = 0.01, value } -> model`
---
--- An affine map of the last axis: x [... inputs] -> [... outputs]; parameters { weight [inputs outputs], bias [outputs] }.
---
--- Formula: `x W + b`
---@param o thalweg.options.nn.linear
---@return thalweg.Model
function tw.nn.linear(o) end

--- `tw.nn.relu() -> model`
---
--- The activation max(x, 0), without parameters: a layer of a sequential; "relu" as an mlp's option.
---@return thalweg.Model
function tw.nn.relu() end

--- `tw.nn.tanh() -> model`
---
--- The activation tanh(x), without parameters: a layer of a sequential; "tanh" as an mlp's option.
---@return thalweg.Model
function tw.nn.tanh() end

--- `tw.nn.sigmoid() -> model`
---
--- The activation 1 / (1 + e^-x), without parameters: a layer of a sequential; "sigmoid" as an mlp's option.
---@return thalweg.Model
function tw.nn.sigmoid() end

--- `tw.nn.gelu() -> model`
---
--- The activation x Phi(x), Phi the normal distribution function, without parameters: a layer of a sequential; "gelu" as an mlp's option.
---@return thalweg.Model
function tw.nn.gelu() end

--- `tw.nn.silu() -> model`
---
--- The activation x / (1 + e^-x), without parameters: a layer of a sequential; "silu" as an mlp's option.
---@return thalweg.Model
function tw.nn.silu() end

--- `tw.nn.elu() -> model`
---
--- The activation x where x > 0, else e^x - 1, without parameters: a layer of a sequential; "elu" as an mlp's option.
---@return thalweg.Model
function tw.nn.elu() end

--- `tw.nn.leaky_relu() -> model`
---
--- The activation x where x > 0, else 0.01 x, without parameters: a layer of a sequential; "leaky_relu" as an mlp's option.
---@return thalweg.Model
function tw.nn.leaky_relu() end

--- `tw.nn.softplus() -> model`
---
--- The activation log(1 + e^x), without parameters: a layer of a sequential; "softplus" as an mlp's option.
---@return thalweg.Model
function tw.nn.softplus() end

--- `sequential(given) -> model`
---
--- Layers one after another, each given the mode the model was called in. Parameters stand under the layer's kind and its count among its kind: linear1,
--- linear2; layers without any have no entry. What is no layer is an error.
---@param given thalweg.Model[]
---@return thalweg.Model
function tw.nn.sequential(given) end

---@class thalweg.options.nn.mlp
---@field [integer] integer|thalweg.Space sizes from input to output: mlp{64, 32, 10}
---@field activation? "relu"|"tanh"|"sigmoid"|"gelu"|"silu"|"elu"|"leaky_relu"|"softplus"|thalweg.Space after every layer but the last
---@field init? "kaiming_uniform"|"xavier"|"he"|"lecun"|"normal"|"uniform"|"orthogonal"|"constant"|"zeros"|thalweg.Space how weights begin
---@field std? number|thalweg.Space standard deviation of init = "normal" and "uniform"
---@field value? number|thalweg.Space the weights of init = "constant", 0.1 if absent

--- `mlp{ sizes, activation = "relu", init = "kaiming_uniform", std = 0.01, value } -> model`
---
--- A multi-layer perceptron: linear layers hidden1, hidden2, ... with an activation after each, and a linear layer out. x [... inputs] -> [... outputs];
--- parameters { hidden1 = { weight, bias }, ..., out = { weight, bias } }.
---@param o thalweg.options.nn.mlp
---@return thalweg.Model
function tw.nn.mlp(o) end

---@class thalweg.options.nn.conv
---@field [integer] integer|thalweg.Space channels in and out: conv{3, 16, kernel = 3}
---@field kernel? any size of the kernel, or {rows, columns}
---@field stride? any step from window to window, or {rows, columns}
---@field padding? any zeros around the image, or {rows, columns}
---@field init? "kaiming_uniform"|"xavier"|"he"|"lecun"|"normal"|"uniform"|"orthogonal"|"constant"|"zeros"|thalweg.Space how weights begin
---@field std? number|thalweg.Space standard deviation of init = "normal" and "uniform"
---@field value? number|thalweg.Space the weights of init = "constant", 0.1 if absent

--- `tw.nn.conv{ inputs, outputs, kernel = 3, stride = 1, padding = 0 } -> model`
---
--- Convolution of images: x [N C H W] -> [N O H' W']; parameters { weight [O C kh kw], bias [O] }. kernel, stride and padding may be {rows, columns}.
---@return thalweg.Model
---@param o? thalweg.options.nn.conv
function tw.nn.conv(o) end

---@class thalweg.options.nn.conv1d
---@field [integer] integer|thalweg.Space channels in and out: conv{3, 16, kernel = 3}
---@field kernel? integer|thalweg.Space length of the kernel
---@field stride? integer|thalweg.Space step from window to window
---@field padding? integer|thalweg.Space zeros at both ends
---@field init? "kaiming_uniform"|"xavier"|"he"|"lecun"|"normal"|"uniform"|"orthogonal"|"constant"|"zeros"|thalweg.Space how weights begin
---@field std? number|thalweg.Space standard deviation of init = "normal" and "uniform"
---@field value? number|thalweg.Space the weights of init = "constant", 0.1 if absent

--- `tw.nn.conv1d{ inputs, outputs, kernel = 3, stride = 1, padding = 0 } -> model`
---
--- Convolution of signals: x [N C L] -> [N O L']; parameters { weight [O C k], bias [O] }.
---@return thalweg.Model
---@param o? thalweg.options.nn.conv1d
function tw.nn.conv1d(o) end

---@class thalweg.options.nn.max_pool
---@field [integer] integer|thalweg.Space size of the window, or rows and columns: max_pool{2}
---@field stride? any step from window to window, or {rows, columns}; the window's size if absent
---@field padding? any positions added around the image, or {rows, columns}

--- `tw.nn.max_pool{ size, stride = size, padding = 0 } -> model`
---
--- The largest element of each window of x [N C H W] or [N C L]; no parameters. Two sizes are rows and columns.
---@return thalweg.Model
---@param o? thalweg.options.nn.max_pool
function tw.nn.max_pool(o) end

---@class thalweg.options.nn.avg_pool
---@field [integer] integer|thalweg.Space size of the window, or rows and columns: max_pool{2}
---@field stride? any step from window to window, or {rows, columns}; the window's size if absent
---@field padding? any positions added around the image, or {rows, columns}

--- `tw.nn.avg_pool{ size, stride = size, padding = 0 } -> model`
---
--- The mean of each window; otherwise as max_pool.
---@return thalweg.Model
---@param o? thalweg.options.nn.avg_pool
function tw.nn.avg_pool(o) end

---@class thalweg.options.nn.batchnorm
---@field [integer] integer|thalweg.Space channels of the input: batchnorm{16}
---@field momentum? number|thalweg.Space weight of the batch in the running averages
---@field eps? number|thalweg.Space added to the variance

--- `batchnorm{ channels, momentum = 0.1, eps = 1e-5 } -> model`
---
--- x [N C ...] with each channel normalised; parameters { weight [C], bias [C], mean [C], var [C] }, the last two running averages, which are buffers.
--- model(params, x, { train = true }) takes the batch's own statistics and moves the averages.
---
--- Formula: `(x - mean) / sqrt(var + eps) weight + bias`
---@return thalweg.Model
function tw.nn.batchnorm(given) end

---@class thalweg.options.nn.layernorm
---@field [integer] integer|thalweg.Space sizes of the last axes, over which is normalised: layernorm{64}
---@field eps? number|thalweg.Space added to the variance

--- `layernorm{ sizes, eps = 1e-5 } -> model`
---
--- x [... sizes] with each position normalised over its last axes; parameters { weight [sizes], bias [sizes] }.
---
--- Formula: `(x - mean) / sqrt(var + eps) weight + bias`
---@return thalweg.Model
function tw.nn.layernorm(given) end

---@class thalweg.options.nn.dropout
---@field p? number|thalweg.Space probability that an element is dropped

--- `dropout{ p = 0.5 } -> model`
---
--- Drops elements in training, where it needs the mode's generator, and scales the others by 1 / (1 - p); else x itself.
---@return thalweg.Model
function tw.nn.dropout(given) end

---@class thalweg.options.nn.embedding
---@field [integer] integer|thalweg.Space rows and width: embedding{1000, 16}
---@field std? number|thalweg.Space standard deviation of the rows at the start

--- `embedding{ sizes, std = 1 } -> model`
---
--- index (i64, 1..rows) [...] -> [... width]; parameters { weight [rows width] }, N(0, std^2) at the start.
---@return thalweg.Model
function tw.nn.embedding(given) end

--- `flatten() -> model`
---
--- x [N ...] -> [N, all the rest]; no parameters.
---@return thalweg.Model
function tw.nn.flatten() end

--- `subset(d, index) -> dataset`
---
--- The data set of some examples: tensors that count examples are gathered by the index, all else is carried over.
---@param d thalweg.Dataset
---@param index thalweg.Tensor i64 [m], 1-based
---@return thalweg.Dataset
function tw.data.subset(d, index) end

--- `split(n | dataset, fractions, rng) -> part, part, ...`
---
--- Splits 1..n, or a data set, at random into disjoint parts. Part sizes are the differences of the rounded cumulative sums, so that they add up;
--- fractions that sum to less than 1 leave examples unused. An empty part is an error.
---@param what integer|thalweg.Dataset
---@param fractions number[] each positive, sum at most 1
---@param rng thalweg.Generator draws one permutation of n
---@return any ... i64 index tensors for a number, data sets for a data set
function tw.data.split(what, fractions, rng) end

---@class thalweg.options.data.standardize
---@field scale? "feature"|"common" one standard deviation per feature, or one for all of them (features that share a unit, such as pixels)

--- `standardize(dataset, ... [, {scale = "feature"}]) -> dataset, ...`
---
--- Z-scores: every feature minus its mean, over its standard deviation (divided by n), both fitted on the first data set and applied to all. scale =
--- "common" divides all by the root of the mean variance. A constant feature keeps the scale 1. The results hold `mean` and `scale` [d]. Data sets with
--- different numbers of features are an error.
---
--- Formula: `(x - mean) / sqrt(1/n sum (x - mean)^2)`
---@param ... thalweg.Dataset|table data sets; the last argument may be the options { scale = "feature" | "common" }
---@return thalweg.Dataset ...
function tw.data.standardize(...) end

---@class thalweg.options.data.batches
---@field n integer examples
---@field size integer examples per batch
---@field rng? any generator that reshuffles every epoch; none: the order 1..n
---@field replace? boolean an epoch is n independent draws, with replacement, instead of an order of all n examples
---@field drop_last? boolean leave out an epoch's last batch when it is smaller
---@field epochs? integer how many; endless by default

--- `batches{ n, size, rng = nil, replace = false, drop_last = false, epochs = nil } -> iterator`
---
--- Mini-batches: an iterator of i64 index tensors and the epoch's number, every example once per epoch, reshuffled for each; with replace = true each
--- place of each batch is any of the n examples. A batch larger than the data is an error, and so is replace without a generator.
---@param o thalweg.options.data.batches
---@return fun(): thalweg.Tensor|nil, integer index i64 [at most size], epoch 1, 2, ...
function tw.data.batches(o) end

---@class thalweg.options.data.csv
---@field target? string the column to predict
---@field kind? "class"|"number" what the target is
---@field columns? table the feature columns, all others but the target by default
---@field dtype? "f64"|"f32" dtype of the features and of a numeric target

--- `csv(path [, {target, kind = "class", columns, dtype}]) -> dataset`
---
--- Reads a data set from a CSV file with a header row: x [n d], and where a target is named y [n], i64 classes 1..K or numbers. A relative path is looked
--- for beside the script, then in the package's data folder (breast_cancer.csv, diabetes.csv, digits.csv, iris.csv, wine.csv). Raises with file:line: a
--- missing file, a missing header, a row of another length, a feature that is no number, an empty field.
---@param path string
---@param o? thalweg.options.data.csv
---@return thalweg.Dataset
function tw.data.csv(path, o) end

--- `choice(items) -> space`
---
--- One of the given values: numbers, strings, booleans, schedules, plain tables, further spaces.
---@param items any[]
---@return thalweg.Space
function tw.space.choice(items) end

--- `linear(a, b, n) -> space`
---
--- n values from a to b in equal steps, rounded to 15 significant digits, end points exact.
---
--- Formula: `x_i = (a (m - i) + b i) / m, i = 0..m, m = n - 1`
---@param a number
---@param b number
---@param n integer
---@return thalweg.Space
function tw.space.linear(a, b, n) end

--- `log(a, b, n) -> space`
---
--- n values from a to b in equal ratios, rounded to 15 significant digits, end points exact: log(1e-4, 1, 5) gives 0.001 and not its neighbour. a and b
--- are positive.
---
--- Formula: `x_i = a (b/a)^(i/m), i = 0..m, m = n - 1`
---@param a number
---@param b number
---@param n integer
---@return thalweg.Space
function tw.space.log(a, b, n) end

--- `range(a, b [, step]) -> space`
---
--- a, a + step, ... up to and including b where the steps hit it; rounded to 15 significant digits. Integers stay integers. Steps that do not lead from a
--- to b are an error.
---@param a number
---@param b number
---@param step? number default 1; negative to count down
---@return thalweg.Space
function tw.space.range(a, b, step) end

--- `zip(columns) -> space`
---
--- Parameters that vary together: the i-th values of every array form one item. As an unnamed entry of a table its names join that table. Arrays of
--- different lengths are an error.
---@param columns table<string, any[]> arrays of one length
---@return thalweg.Space
function tw.space.zip(columns) end

--- `list(rows) -> space`
---
--- Parameters given row by row: each table is one item. As an unnamed entry of a table the names join that table.
---@param rows table<string, any>[]
---@return thalweg.Space
function tw.space.list(rows) end

---@class thalweg.options.experiment
---@field name string names the output file; letters, digits, _ . -
---@field about? string one sentence
---@field dtype? "f64"|"f32" default dtype inside run
---@field units? table unit by metric
---@field params? table what varies, and what does not
---@field where? function keeps a combination of parameters when true
---@field repeats? integer seeds per configuration
---@field lanes? table parameters in which runs computed together may differ; "seed" is the repeat
---@field diverge? table metrics whose first non-finite value ends a run
---@field objective? table what ranks configurations
---@field run function one run
---@field claims? function what the recorded runs show, checked by thalweg verify
---@field quick? table what --quick changes: params by name, repeats

--- `experiment{ options } -> experiment`
---
--- An experiment: the parameters, of which spaces vary, and what one run does with them. A script returns it. Unknown keys, missing and wrong values are
--- errors at the script's line. `claims` gets the sweep of its runs and a function: see Claims. `quick` replaces parameters by name, and the number of
--- repeats, when the command says --quick; its runs have a file of their own.
---@param given thalweg.options.experiment
---@return thalweg.Experiment
function tw.experiment(given) end

--- `log([stream,] row) -> step`
---
--- Logs one row: metrics by name, numbers or tensors. Rows of the default stream are steps 0, 1, ... unless the row has an integer `step`; another
--- stream's rows carry the latest default step, or their own, and its metrics are stored as stream_metric. A metric may appear at any row, its shape is
--- fixed by its first. A non-finite value of one of the experiment's `diverge` metrics is kept and ends the run as diverged.
---@param stream string|table the row, or the name of another stream
---@param row? table metric -> number or tensor; `step` may hold an integer
---@return integer step
function Run:log(stream, row) end

--- `rng(name) -> generator`
---
--- A generator of this run's own, by name: the same draws whatever the other generators drew, and the same one when asked again. Its key depends on
--- run.seed, so that all configurations of one repeat see the same numbers.
---@param name string
---@return thalweg.Generator
function Run:rng(name) end

--- `progress(done, total)`
---
--- Tells how far the run is; shown while it runs, not stored.
---@param done number
---@param total number
function Run:progress(done, total) end

--- `stop([reason])`
---
--- Ends this run at once with status stopped, which is a result. A pcall of the script's does not stop it.
---@param reason? string
function Run:stop(reason) end

--- `stop_if(condition [, reason])`
---
--- Ends this run with status stopped when the condition holds. The stop rule that works in lanes: where the condition differs between runs computed
--- together, those for which it holds end and the others go on.
---@param condition boolean|thalweg.Tensor true or false, or a 0-d tensor
---@param reason? string
function Run:stop_if(condition, reason) end

--- `finished() -> boolean`
---
--- Whether the run has ended: true after a stop that the script's own pcall has swallowed.
---@return boolean
function Run:finished() end

--- `result(values)`
---
--- Results of the whole run, one number per name; they become columns of the file.
---@param values table<string, number>
function Run:result(values) end

--- `open(path, ...) -> sweep`
---
--- Opens a sweep for reading: its file (and the journals beside it while it is being written), a journal folder, or several of them, which are merged:
--- the first finished record of a run wins. Nothing but the plan is read before it is asked for; what is opened does not change when the file does.
---@param path string
---@param ... string
---@return thalweg.Sweep
function tw.open(path, ...) end

--- `runs() -> function`
---
--- The runs of a sweep in plan order, for a loop.
---@return fun(): thalweg.Recorded
function Sweep:runs() end

--- `where(wanted) -> sweep`
---
--- The runs that meet a condition, as a sweep. A table names parameters (dotted where nested: ["opt.lr"], ["decay.rate"]), or id, status, ok, seed, rep,
--- config. It gives each a value (numbers are compared exactly), { "<", value }, a list of values, a schedule or recipe, or a function of the value. A
--- string is an expression as in `thalweg run --only`. A function gets each run and says whether it stays. A name that the sweep does not have is an
--- error that lists the names; a run without the parameter meets no condition on it.
---@param wanted table|string|fun(one: thalweg.Recorded): boolean
---@return thalweg.Sweep
function Sweep:where(wanted) end

--- `ok() -> sweep`
---
--- The runs that reached their end: status done or stopped.
---@return thalweg.Sweep
function Sweep:ok() end

--- `trace(metric) -> values, steps`
---
--- The trajectory of the one run there is: see run:trace. Several runs are an error that says what they differ in.
---@param metric string
---@return number[] values, integer[] steps
function Sweep:trace(metric) end

--- `final(metric) -> number|number[]`
---
--- The last value of a metric in the one run there is. Several runs are an error: `:values` gives all, `:median` and its like one number for them.
---@param metric string
---@return number|number[]
function Sweep:final(metric) end

--- `at(metric, step) -> number|number[]|nil`
---
--- The value of a metric at a step of the one run there is: see run:at.
---@param metric string
---@param step integer
---@return number|number[]|nil
function Sweep:at(metric, step) end

--- `steps_to(metric, threshold [, relation]) -> number`
---
--- The first step of the one run there is at which a metric is below a threshold: see run:steps_to. Of several runs: `sweep:values(function(one) return
--- one:steps_to(metric, threshold) end)`.
---@param metric string
---@param threshold number
---@param relation? "<"|"<="|">"|">="
---@return number
function Sweep:steps_to(metric, threshold, relation) end

--- `group_by(...) -> table`
---
--- The runs by the values of one or more names (parameters, or status, rep, config ...): a list of entries { value, ..., sweep }, numbers ascending, the
--- rest in plan order. `entry.sweep` is the sweep as well and `entry.keys` has the values by name; a value that is absent is false.
---@param ... string
---@return { sweep: thalweg.Sweep, keys: table<string, any>, [integer]: any }[]
function Sweep:group_by(...) end

--- `best([{metric, goal = "min", at = "final"}]) -> sweep`
---
--- The runs of the best configuration: the one with the best median of the objective over its runs with status done or stopped, as `thalweg best` ranks
--- them; of equal ones the first of the plan. All runs of the configuration are in it, whatever their status.
---@param o? { metric?: string, goal?: "min"|"max", at?: "final"|"min"|"max" }
---@return thalweg.Sweep
function Sweep:best(o) end

--- `values(metric [, {at = "final", result = false}]) -> table`
---
--- One number per run, in plan order: the last value of a metric, or with `at` its smallest ("min"), its largest ("max"), the step of the smallest
--- ("argmin") or the value at a step; "x[2]" names an element of a metric with axes. What run:result gave, when the name is a result's ({ result = true }
--- where a metric has that name too); or what a function says of each run. NaN where a run has none.
---@param metric string|fun(one: thalweg.Recorded): number
---@param o? { at?: "final"|"min"|"max"|"argmin"|integer, result?: boolean }
---@return number[]
function Sweep:values(metric, o) end

--- `mean(metric [, {at = "final", result = false}]) -> number`
---
--- The mean of a metric over the runs; metric and options as in sweep:values.
---@type fun(self: thalweg.Sweep, metric: string|fun(one: thalweg.Recorded): number, o?: table): number
Sweep.mean = nil

--- `median(metric [, {at = "final", result = false}]) -> number`
---
--- The median of a metric over the runs; metric and options as in sweep:values.
---@type fun(self: thalweg.Sweep, metric: string|fun(one: thalweg.Recorded): number, o?: table): number
Sweep.median = nil

--- `sd(metric [, {at = "final", result = false}]) -> number`
---
--- The sample standard deviation of a metric over the runs; metric and options as in sweep:values.
---@type fun(self: thalweg.Sweep, metric: string|fun(one: thalweg.Recorded): number, o?: table): number
Sweep.sd = nil

--- `var(metric [, {at = "final", result = false}]) -> number`
---
--- The sample variance of a metric over the runs; metric and options as in sweep:values.
---@type fun(self: thalweg.Sweep, metric: string|fun(one: thalweg.Recorded): number, o?: table): number
Sweep.var = nil

--- `se(metric [, {at = "final", result = false}]) -> number`
---
--- The standard error of the mean of a metric over the runs; metric and options as in sweep:values.
---@type fun(self: thalweg.Sweep, metric: string|fun(one: thalweg.Recorded): number, o?: table): number
Sweep.se = nil

--- `sd_se(metric [, {at = "final", result = false}]) -> number`
---
--- The standard error of the standard deviation of a metric over the runs (see tw.stats.sd_se); metric and options as in sweep:values.
---@type fun(self: thalweg.Sweep, metric: string|fun(one: thalweg.Recorded): number, o?: table): number
Sweep.sd_se = nil

--- `min(metric [, {at = "final", result = false}]) -> number`
---
--- The smallest value over the runs; metric and options as in sweep:values.
---@type fun(self: thalweg.Sweep, metric: string|fun(one: thalweg.Recorded): number, o?: table): number
Sweep.min = nil

--- `max(metric [, {at = "final", result = false}]) -> number`
---
--- The largest value over the runs; metric and options as in sweep:values.
---@type fun(self: thalweg.Sweep, metric: string|fun(one: thalweg.Recorded): number, o?: table): number
Sweep.max = nil

--- `quantile(metric, q [, {at = "final", result = false}]) -> number`
---
--- The q-th quantile of a metric over the runs (see tw.stats.quantile); metric and options as in sweep:values.
---@param metric string|fun(one: thalweg.Recorded): number
---@param q number from 0 to 1
---@param o? table
---@return number
function Sweep:quantile(metric, q, o) end

--- `ci(metric [, {level = 0.95, method = "t", at = "final", result = false}]) -> low, high, value`
---
--- A confidence interval over the runs, and the value it is about: see tw.stats.ci for the methods "t", "bootstrap" and "median". Options as there, and
--- `at` and `result` as in sweep:values.
---@param metric string|fun(one: thalweg.Recorded): number
---@param o? table
---@return number low, number high, number value
function Sweep:ci(metric, o) end

--- `compare(other, metric [, {at = "final", result = false}]) -> table`
---
--- Two selections compared over the seeds that both have: the mean difference self - other with its standard error, Student's paired t test and the sign
--- test (see tw.stats.paired). Each selection has one run per seed. `unpaired` counts the runs without a partner. Options as in sweep:values.
---@param other thalweg.Sweep
---@param metric string|fun(one: thalweg.Recorded): number
---@param o? table
---@return { difference: number, se: number, t: number, p: number, n: integer, wins: integer, losses: integer, sign_p: number, unpaired: integer }
function Sweep:compare(other, metric, o) end

--- `across(metric, statistic) -> values, steps`
---
--- A statistic over the runs at every step: its values and the steps. Runs that ended earlier leave NaN from there on; runs that logged at other steps
--- are an error. The statistic is the name of one in tw.stats ("mean", "median", "sd", "se", ...) or a function of the runs' values.
---@param metric string
---@param statistic string|fun(values: number[]): number
---@return number[] values, integer[] steps
function Sweep:across(metric, statistic) end

--- `fit_slope(x, y [, {logx = false, logy = false, over = "median", at = "final", result = false, from, to}]) -> slope, intercept, se, n`
---
--- A straight line fitted by least squares, in the values or in their logarithms (logx, logy): slope, intercept, standard error of the slope (NaN for two
--- points), number of points. With x = "step", y is a metric along the steps of the one run, or a statistic over the runs at each step (`over`). With x a
--- metric, both come from the one run, row by row. With x a parameter, each of its values is a point and y is a metric, a result or a function of a run,
--- `over` the runs that have it (default the median). `from` and `to` bound x before the logarithm. Options `at` and `result` as in sweep:values.
---@param x string
---@param y string|fun(one: thalweg.Recorded): number
---@param o? table
---@return number slope, number intercept, number se, integer n
function Sweep:fit_slope(x, y, o) end

--- `trace(metric) -> values, steps`
---
--- The values of a metric, row by row, and the steps at which they were logged. A metric with axes gives an array per row, row-major; "x[2]" or "w[1,3]"
--- is one element of it and a metric like any other. Both are empty when the run has not logged it.
---@param metric string
---@return number[] values, integer[] steps
function Recorded:trace(metric) end

--- `final(metric) -> number|number[]`
---
--- The last value of a metric, NaN when there is none; an array for a metric with axes.
---@param metric string
---@return number|number[]
function Recorded:final(metric) end

--- `min(metric) -> number`
---
--- The smallest value of a metric, NaN left out.
---@type fun(self: thalweg.Recorded, metric: string): number
Recorded.min = nil

--- `max(metric) -> number`
---
--- The largest value of a metric, NaN left out.
---@type fun(self: thalweg.Recorded, metric: string): number
Recorded.max = nil

--- `argmin(metric) -> integer|nil`
---
--- The step of the smallest value (the first such), nil when the run has logged none.
---@param metric string
---@return integer|nil
function Recorded:argmin(metric) end

--- `at(metric, step) -> number|number[]|nil`
---
--- The value of a metric at a step; NaN when the run has no row there (it ended before, or did not log at that step). Of a metric with axes an array, and
--- nil.
---@param metric string
---@param step integer
---@return number|number[]|nil
function Recorded:at(metric, step) end

--- `steps_to(metric, threshold [, relation]) -> number`
---
--- The first step at which a metric is below a threshold (or stands in another relation to it); infinite when it never is.
---@param metric string
---@param threshold number
---@param relation? "<"|"<="|">"|">="
---@return number
function Recorded:steps_to(metric, threshold, relation) end

--- `result(name) -> number`
---
--- What run:result gave under a name, NaN when the run gave none.
---@param name string
---@return number
function Recorded:result(name) end

--- `mean(values) -> number`
---
--- The arithmetic mean.
---
--- Formula: `m = sum(x) / n`
---@param values number[]
---@return number
function tw.stats.mean(values) end

--- `var(values) -> number`
---
--- The sample variance.
---
--- Formula: `s^2 = sum((x - m)^2) / (n - 1)`
---@param values number[] at least two
---@return number
function tw.stats.var(values) end

--- `sd(values) -> number`
---
--- The sample standard deviation: the square root of the sample variance.
---@param values number[] at least two
---@return number
function tw.stats.sd(values) end

--- `se(values) -> number`
---
--- The standard error of the mean.
---
--- Formula: `s / sqrt(n)`
---@param values number[] at least two
---@return number
function tw.stats.se(values) end

--- `sd_se(values) -> number`
---
--- The standard error of the standard deviation, from the sample's own fourth moment, so that no distribution is assumed.
---
--- Formula: `sqrt((m4 - s^4 (n - 3) / (n - 1)) / n) / (2 s), m4 = sum((x - m)^4) / n; about s / sqrt(2 (n - 1)) for normal values`
---@param values number[] at least four
---@return number
function tw.stats.sd_se(values) end

--- `quantile(values, q) -> number`
---
--- The q-th quantile by linear interpolation between the ordered values (NumPy's default, type 7 of Hyndman and Fan).
---
--- Formula: `x_k + (h - k) (x_{k+1} - x_k), h = (n - 1) q, k = floor(h), x_0 the smallest`
---@param values number[]
---@param q number from 0 to 1
---@return number
function tw.stats.quantile(values, q) end

--- `median(values) -> number`
---
--- The middle value; of an even number the mean of the middle two.
---@param values number[]
---@return number
function tw.stats.median(values) end

--- `min(values) -> number`
---
--- The smallest value.
---@type fun(values: number[]): number
tw.stats.min = nil

--- `max(values) -> number`
---
--- The largest value.
---@type fun(values: number[]): number
tw.stats.max = nil

--- `linear_fit(x, y) -> table`
---
--- Least squares of y = intercept + slope x. Two points give a line without errors: se is NaN.
---
--- Formula: `slope = sum((x - mx)(y - my)) / sum((x - mx)^2); se^2 = (sum(residual^2) / (n - 2)) / sum((x - mx)^2)`
---@param x number[]
---@param y number[]
---@return { slope: number, intercept: number, se: number, intercept_se: number, r: number, n: integer }
function tw.stats.linear_fit(x, y) end

---@class thalweg.options.stats.ci
---@field level? number the probability that the interval holds the value
---@field method? "t"|"bootstrap"|"median" t: of the mean, for normal values; bootstrap: of the statistic, by resampling; median: of the median, by order statistics
---@field statistic? "mean"|"median"|"sd" what the bootstrap computes
---@field samples? integer resamples of the bootstrap
---@field seed? integer seed of the bootstrap

--- `ci(values [, {level = 0.95, method = "t", statistic = "mean", samples = 2000, seed = 1}]) -> low, high, value`
---
--- A confidence interval: its ends, and the value it is about. Method "t": of the mean, from Student's quantile. "bootstrap": percentiles of the
--- statistic over resamples drawn by tw.rng. "median": order statistics, at least of the level, for any distribution; at level 0.95 it takes six values.
---
--- Formula: `t: m -+ t_{(1 + level)/2, n-1} s / sqrt(n); median: [x_(k), x_(n+1-k)], k the largest with P(Binomial(n, 1/2) <= k - 1) <= (1 - level) / 2`
---@param values number[] at least two
---@param o? thalweg.options.stats.ci
---@return number low, number high, number value
function tw.stats.ci(values, o) end

--- `paired(a, b) -> table`
---
--- Pairs of values compared: the mean difference a - b with Student's paired t test and the sign test, both two-sided. Pairs that are equal count for
--- neither side of the sign test. Differences that are all equal have se 0: t is infinite (or NaN when they are all zero), p is 0 (or 1).
---
--- Formula: `t = mean(d) / (s_d / sqrt(n)), d = a - b; sign_p = min(1, 2 P(Binomial(wins + losses, 1/2) <= min(wins, losses)))`
---@param a number[]
---@param b number[]
---@return { difference: number, se: number, t: number, p: number, n: integer, wins: integer, losses: integer, ties: integer, sign_p: number }
function tw.stats.paired(a, b) end

--- `t_cdf(x, df) -> number`
---
--- Student's t distribution function.
---
--- Formula: `P(T <= x) = 1 - I_{v/(v+x^2)}(v/2, 1/2) / 2 for x >= 0, v = df`
---@param x number
---@param df number degrees of freedom, above 0
---@return number
function tw.stats.t_cdf(x, df) end

--- `t_quantile(p, df) -> number`
---
--- The quantile of Student's t distribution: the inverse of t_cdf, by bisection down to neighbouring numbers.
---@param p number between 0 and 1
---@param df number degrees of freedom, above 0
---@return number
function tw.stats.t_quantile(p, df) end

--- `normal_cdf(x) -> number`
---
--- The standard normal distribution function.
---
--- Formula: `P(Z <= x) = 1/2 + phi(x) (x + x^3/3 + x^5/(3 5) + ...)`
---@param x number
---@return number
function tw.stats.normal_cdf(x) end

--- `normal_quantile(p) -> number`
---
--- The quantile of the standard normal distribution, to about 1e-16 of its value.
---@param p number between 0 and 1
---@return number
function tw.stats.normal_quantile(p) end

--- `binomial_cdf(k, n, p) -> number`
---
--- The probability of at most k successes in n trials.
---
--- Formula: `P(X <= k) = I_{1-p}(n - k, k + 1)`
---@param k integer
---@param n integer
---@param p number from 0 to 1
---@return number
function tw.stats.binomial_cdf(k, n, p) end

---@type string
tw.version = ""

return tw
