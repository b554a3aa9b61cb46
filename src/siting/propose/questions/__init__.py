"""Planning questions that are answered by several plans, or by a model of their own."""
