-- The harness for tests that open lanes: those that a failing test leaves open are not the next one's.
local core = require "thalweg.core"
local spec = require "spec"

return setmetatable({}, {
  __index = spec,
  __call = function(_, name, f)
    spec(name, f)
    core.lanes_end()
  end,
})
