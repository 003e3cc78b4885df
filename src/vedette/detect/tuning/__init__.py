"""Exceptions from rules: their conditions, their end, and what they hide."""
