"""Engines of medians: prices of communities, exchange of sites, and trees."""
