"""Alerts: what they hold, what a rule says about their details, and how much they may hold."""
