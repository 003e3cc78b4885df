"""Partial results of queries that come again and again, kept beside the store."""
