"""Aggregate functions, a family a file."""
