"""What the layers hold for a rule: columns, districts, communities, villages, and what lies within reach."""
