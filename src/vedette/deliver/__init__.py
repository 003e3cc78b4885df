"""Destinations: what a detection run has found is delivered to other systems, durably and once."""
