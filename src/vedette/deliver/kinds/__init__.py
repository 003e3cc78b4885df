"""Kinds of destinations, one file each; `deliver/registry.py` has a line for each."""
