"""A city's standard as data: rules read from TOML and checked; nothing here knows a layer."""
