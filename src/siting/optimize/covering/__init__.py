"""Engines of covering problems: reductions, relaxations, searches for plans, and trees."""
