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

---@class thalweg.Recipe : thalweg.Described
---@field new fun(self: thalweg.Recipe, params: any): thalweg.Optimizer

---@class thalweg.Optimizer
---@field params any the tree it updates
---@field steps integer steps taken so far
local Optimizer = {}

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
---@field repeats integer
---@field diverge string[] metrics whose first non-finite value ends a run
---@field objective { metric: string, goal: "min" | "max", at: "final" | "min" | "max" }
---@field run fun(run: thalweg.Run)

---@class thalweg.Run
---@field params table the parameters of this run, a copy of its own
---@field seed integer depends on the root seed and the repeat alone
---@field id string 14 hex digits
local Run = {}

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

---@class thalweg.module.schedule
tw.schedule = {}

---@class thalweg.module.space
tw.space = {}

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

--- `linear(x, weight [, bias]) -> tensor`
---
--- An affine map of the last axis: x [... K], weight [K N], bias [N], result [... N]. Real, one dtype.
---
--- Formula: `x W + b`
---@param x thalweg.Tensor|number
---@param weight thalweg.Tensor
---@param bias? thalweg.Tensor
---@return thalweg.Tensor
function tw.linear(x, weight, bias) end

--- `linear(x, weight [, bias]) -> tensor`
---
--- An affine map of the last axis: x [... K], weight [K N], bias [N], result [... N]. Real, one dtype.
---
--- Formula: `x W + b`
---@param weight thalweg.Tensor
---@param bias? thalweg.Tensor
---@return thalweg.Tensor
function Tensor:linear(weight, bias) end

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
--- evaluation and one backward pass per element of the result, forward mode one evaluation with a tangent per element of x; mode = "auto" takes the
--- smaller count.
---@param f fun(x: thalweg.Tensor, ...): thalweg.Tensor
---@param o? thalweg.options.jacobian
---@return fun(x: thalweg.Tensor, ...): thalweg.Tensor jacobian
function tw.jacobian(f, o) end

--- `hessian(f) -> function`
---
--- The Hessian of a function with a 0-d result: for a tensor x its shape twice ([n n] for a vector); for a tree of tensors a tree of trees, H[a][b] with
--- the shape of a followed by that of b. Rows of the exact gradient's Jacobian, in reverse over reverse: one evaluation, one backward pass per parameter.
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
--- })(p, x, y).
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

--- `amsgrad(params [, {options}]) -> optimizer`
--- `amsgrad{options} -> recipe`
---
--- Adam that divides by the largest average of squared gradients so far.
---@overload fun(options?: thalweg.options.optim.amsgrad): thalweg.Recipe
---@param params any
---@param options? thalweg.options.optim.amsgrad
---@return thalweg.Optimizer
function tw.optim.amsgrad(params, options) end

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
---@field history? number|thalweg.Schedule|thalweg.Space pairs remembered
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

--- `hyper([path]) -> table, number|boolean|string`
---
--- The hyperparameters applied in the last step (before the first: those it will apply), by name; with a path, those of the group of the parameter there.
---@param path? string
---@return table<string, number|boolean|string>
function Optimizer:hyper(path) end

--- `info() -> table`
---
--- What the last step saw and did: grad_norm, the 2-norm of all gradients together before the update; step_norm, that of the change of the parameters;
--- evaluations of f (a Hessian, a product with it or a Jacobian counts as one); reason, why no update was made or why a method that searches stops (""
--- where there is nothing to say). Methods with a line search or a trust region say: "gradient", no element is above tol_grad; "step" and "function", the
--- change was within tol_step, tol_function, or f cannot show what is left to gain; "curvature", the model has no minimum along the direction; "line
--- search failed", "no trial step was acceptable"; "loss or gradient not finite". The parameters stay where they are, but for "step" and "function" by
--- those tolerances. An error before the first step.
---@return { grad_norm: number, step_norm: number, evaluations: integer, reason: string }
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
--- kind, or of other parameters, is an error.
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

---@class thalweg.options.schedule.exponential
---@field rate? number|thalweg.Space decay per step

--- `exponential{ rate = 0.01 } -> schedule`
---
--- Exponential decay (Optax's exponential_decay with transition_steps = 1 and decay_rate = e^-rate).
---
--- Formula: `s(t) = e^(-rate t)`
---@param o? thalweg.options.schedule.exponential
---@return thalweg.Schedule
function tw.schedule.exponential(o) end

---@class thalweg.options.schedule.inverse_power
---@field alpha? number|thalweg.Space the power
---@field beta? number|thalweg.Space decay per step inside the power

--- `inverse_power{ alpha = 0.5, beta = 0.1 } -> schedule`
---
--- Polynomial decay.
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
--- inverse_power under another name.
---@param o? thalweg.options.schedule.polynomial
---@return thalweg.Schedule
function tw.schedule.polynomial(o) end

---@class thalweg.options.schedule.cosine
---@field steps number|thalweg.Space the step at which the minimum is reached
---@field min? number|thalweg.Space the last value, as a factor of the first

--- `cosine{ steps, min = 0 } -> schedule`
---
--- Half a cosine from 1 down to min, where it stays (Optax's cosine_decay_schedule; PyTorch's CosineAnnealingLR up to T_max, where that turns and rises
--- again).
---
--- Formula: `s(t) = min + (1 - min) (1 + cos(pi t / steps)) / 2 for t < steps, then min`
---@param o thalweg.options.schedule.cosine
---@return thalweg.Schedule
function tw.schedule.cosine(o) end

--- `warmup(n [, after]) -> schedule`
---
--- Grows linearly to its base in n steps, then goes on with another schedule, whose step 0 is step n.
---
--- Formula: `s(t) = (t + 1) / n for t < n, then after(t - n)`
---@param n integer steps of warm-up
---@param after? thalweg.Schedule|number default 1
---@return thalweg.Schedule
function tw.schedule.warmup(n, after) end

---@class thalweg.options.nn.linear
---@field [integer] integer|thalweg.Space inputs and outputs: linear{64, 32}
---@field init? "kaiming_uniform"|"xavier"|"he"|"normal"|"zeros"|thalweg.Space how weights begin
---@field std? number|thalweg.Space standard deviation of init = "normal"

--- `linear{ sizes, init = "kaiming_uniform", std = 0.01 } -> model`
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
---@field init? "kaiming_uniform"|"xavier"|"he"|"normal"|"zeros"|thalweg.Space how weights begin
---@field std? number|thalweg.Space standard deviation of init = "normal"

--- `mlp{ sizes, activation = "relu", init = "kaiming_uniform", std = 0.01 } -> model`
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
---@field init? "kaiming_uniform"|"xavier"|"he"|"normal"|"zeros"|thalweg.Space how weights begin
---@field std? number|thalweg.Space standard deviation of init = "normal"

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
---@field init? "kaiming_uniform"|"xavier"|"he"|"normal"|"zeros"|thalweg.Space how weights begin
---@field std? number|thalweg.Space standard deviation of init = "normal"

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
---@field drop_last? boolean leave out an epoch's last batch when it is smaller
---@field epochs? integer how many; endless by default

--- `batches{ n, size, rng = nil, drop_last = false, epochs = nil } -> iterator`
---
--- Mini-batches: an iterator of i64 index tensors and the epoch's number, every example once per epoch, reshuffled for each. A batch larger than the data
--- is an error.
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
---@field diverge? table metrics whose first non-finite value ends a run
---@field objective? table what ranks configurations
---@field run function one run

--- `experiment{ options } -> experiment`
---
--- An experiment: the parameters, of which spaces vary, and what one run does with them. A script returns it. Unknown keys, missing and wrong values are
--- errors at the script's line.
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
--- Ends this run with status stopped when the condition holds.
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

---@type string
tw.version = ""

return tw
