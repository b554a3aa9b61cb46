"""Engines of p-centers and p-dispersion."""
