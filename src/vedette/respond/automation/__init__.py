"""Automation rules: what is done with an incident in the moment in which it is made or changed."""
