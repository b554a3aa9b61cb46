"""Data of the layers for rules: columns, districts, communities, villages, and facilities in reach."""
