-- tw.problems: test problems of optimisation. A problem is plain data that knows its function, start, minimisers, value and domain.
local problem = require "thalweg.problems.problem"

local problems = { is = problem.is }

for _, part in ipairs { "plane", "many", "quadratic", "finite" } do
  for name, constructor in next, (require("thalweg.problems." .. part)) do problems[name] = constructor end
end

return problems
