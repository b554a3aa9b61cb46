"""The engines behind `solve`: from a `Model` in numbers to sites, a bound, and a proof of the bound."""
