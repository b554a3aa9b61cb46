"""Numbers in, answer and proof out: models, engines and the solver, without tables, geometry or files."""
