"""Capacitated facilities: the problem, its search by flows and prices, and the engine."""
