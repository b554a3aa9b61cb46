"""A city's standard as data: rules read from TOML and checked, without layers."""
