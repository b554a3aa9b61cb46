"""What a plan is to be best at, and what it must keep to: plain values."""
