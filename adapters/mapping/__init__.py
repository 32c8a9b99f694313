"""The mapping language: one TOML file per foreign system, compiled once, read and written in both directions."""
