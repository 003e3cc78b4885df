"""The experiments behind the unit of storage and the term index (docs/decisions.md); run them as modules, `--help` says with what."""
