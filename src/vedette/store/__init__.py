"""Log tables: schemas, loading, and the DuckDB file of a workspace."""
