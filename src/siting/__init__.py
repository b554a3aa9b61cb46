"""Siting of service facilities."""
