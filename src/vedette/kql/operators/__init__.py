"""Tabular operators: one module each, with its syntax node, its parser and its binder."""
