"""How fast `siting` is, against its peers: `python -m benchmarks`, or `make bench`."""
