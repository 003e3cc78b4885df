"""How tabular operators bind: columns in, columns out; one file an operator."""
