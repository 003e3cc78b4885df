"""Incidents: alerts are kept, grouped into incidents, and worked on by people."""
