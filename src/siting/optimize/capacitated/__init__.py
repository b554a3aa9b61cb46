"""Facilities that can be full: the problem, the search by flows and prices, and the engine."""
