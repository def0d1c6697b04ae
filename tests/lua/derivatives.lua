-- Central differences for the specs: h = 1e-6 leaves an error near 1e-9 of the scale of the function (truncation h^2, rounding 1e-16 / h); 1e-6 is asked for.
local test = require "spec"
local tw = require "thalweg"

local derivatives = {}

local function numeric(f, x)
  local h, flat = 1e-6, x:reshape(-1):table()
  local out = {}
  for i, v in ipairs(flat) do
    local function at(w)
      flat[i] = w
      return f(tw.tensor(flat):reshape(x.shape)):item()
    end
    out[i] = (at(v + h) - at(v - h)) / (2 * h)
    flat[i] = v
  end
  return out
end

-- The gradient of f, a 0-d function of a tensor, is the central difference at x.
function derivatives.agree(f, x, note)
  local exact, approx = tw.grad(f)(x):reshape(-1):table(), numeric(f, x)
  for i = 1, #approx do test.near(exact[i], approx[i], 1e-6 * (1 + math.abs(approx[i])), (note or "") .. " element " .. i) end
end

return derivatives
