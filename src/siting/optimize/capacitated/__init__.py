"""Facilities that can be full: the problem, its search by flows and prices, and the engine."""
