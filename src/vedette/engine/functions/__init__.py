"""Scalar functions, a family a file."""
