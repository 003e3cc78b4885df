"""Threat intelligence: STIX objects as state and as rows of the log tables."""
