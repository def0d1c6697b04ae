-- The course that the experiments accompany: the rows of the lectures (A to E, and Dive into Deep Learning, d2l), and the chapters in which the experiments
-- are told. An experiment belongs to the chapter of the first row that it names; without rows it is research.
local course = {}

course.chapters = {
  { title = "Descent", about = "A function, its critical points, its surface, and the first steps down.",
    rows = "A1 A2 B1 B2 B3 A3 D1 B5 B7 D2 A6 E3 E4" },
  { title = "Step sizes and schedules", about = "How long a step may be, and how it should shrink when gradients are noisy.", rows = "E1 E2 B8 A8 B9' B10 C5" },
  { title = "Momentum", about = "Steps that remember the steps before.", rows = "D8 A7 B6 B13 B12 D4" },
  { title = "Adaptive methods", about = "A step size of its own for every coordinate.", rows = "A9 B14 C7 A10 B15 C8 A11 B16 C9 B17 B18 d2l" },
  { title = "Second order", about = "Curvature, condition numbers, and the methods that use them.", rows = "E5 E6" },
  { title = "Gradients", about = "Where derivatives come from, and what they cost.", rows = "D6 E7 E8 E9 E10 E11 E12" },
  { title = "Networks", about = "Layers, and what becomes of gradients in many of them.", rows = "C2 D3 D5 A5 A14 B4 C1 A13" },
  { title = "Data", about = "Real data: examples, batches, scales, classes.", rows = "A4 B9 B11 D7 A12 C3" },
  { title = "Generalisation", about = "What the fitted model does with data that it has not seen.", rows = "C4" },
  { title = "Research", about = "Beyond the lectures: comparisons as a paper would make them.", rows = "" },
}

course.rows = {
  { "A1", "second-order Taylor model" }, { "A2", "critical points and the Hessian" }, { "A3", "error surfaces" },
  { "A4", "batch, stochastic and mini-batch gradient descent" }, { "A5", "initialisation" }, { "A6", "convergence in the eigenbasis" },
  { "A7", "momentum's effective step" }, { "A8", "schedules, the conditions of Robbins and Monro" }, { "A9", "AdaGrad" }, { "A10", "RMSProp" },
  { "A11", "Adam" }, { "A12", "input normalisation" }, { "A13", "batch normalisation" }, { "A14", "vanishing and exploding gradients" },
  { "B1", "critical points" }, { "B2", "second derivative test" }, { "B3", "a critical point in three variables" }, { "B4", "vanishing gradients" },
  { "B5", "gradient descent on x^2" }, { "B6", "one step on a tilted bowl" }, { "B7", "small and large learning rates" }, { "B8", "the best single step size" },
  { "B9", "stochastic gradient descent on data" }, { "B9'", "noisy gradient descent and its law" }, { "B10", "decaying learning rates" },
  { "B11", "mini-batches" }, { "B12", "momentum in a valley" }, { "B13", "one step with momentum" }, { "B14", "AdaGrad" }, { "B15", "RMSProp" },
  { "B16", "Adam" }, { "B17", "one Adam step of a neuron" }, { "B18", "Yogi, and where Adam fails" }, { "C1", "back-propagation, ReLU and sigmoid" },
  { "C2", "back-propagation through layers" }, { "C3", "softmax classification" }, { "C4", "implicit regularisation, double descent" },
  { "C5", "mini-batches and decaying rates" }, { "C7", "AdaGrad" }, { "C8", "RMSProp" }, { "C9", "Adam" }, { "D1", "gradient descent in one variable" },
  { "D2", "two minima, several starts" }, { "D3", "a neuron's gradient" }, { "D4", "weight update with momentum" }, { "D5", "a network's gradient" },
  { "D6", "finite differences" }, { "D7", "batches and epochs" }, { "D8", "exponentially weighted averages" }, { "E1", "step size" },
  { "E2", "regions of the step size" }, { "E3", "line searches" }, { "E4", "coordinate descent" }, { "E5", "condition number" },
  { "E6", "conjugate gradients, Newton and quasi-Newton methods" }, { "E7", "gradient of the mean squared error" }, { "E8", "forward and adjoint derivatives" },
  { "E9", "Einstein notation" }, { "E10", "operators of any order" }, { "E11", "Jacobians of a single-layer network" },
  { "E12", "its update directions and their cost" }, { "d2l", "AdaGrad and RMSProp in a valley" },
}

return course
