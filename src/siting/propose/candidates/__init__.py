"""Candidate sites. The only package of the proposals that uses layers and networks."""
