"""From a problem and its tables to a model."""
