"""Models, engines, solver and proofs, on numbers only: without tables, geometry or files."""
