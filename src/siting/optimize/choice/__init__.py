"""Customers who choose among several places: the share that open columns capture, and its proof."""
