"""The engine: bound trees become DuckDB SQL, SQL becomes rows. One unit per function and operator."""
