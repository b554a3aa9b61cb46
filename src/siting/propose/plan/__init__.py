"""The plan: its tables, explanation, certificate and alternatives."""
