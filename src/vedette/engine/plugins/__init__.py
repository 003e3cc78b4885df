"""Plugins of evaluate, one a file."""
