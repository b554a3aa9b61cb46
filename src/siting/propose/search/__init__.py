"""Which engine solves a formulation, and its answer in the sense of the objective."""
