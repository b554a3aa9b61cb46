"""What the peers do, as plain functions that return arrays in whole millimetres."""
