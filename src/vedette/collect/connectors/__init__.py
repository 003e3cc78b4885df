"""Connectors: what fetches events from the services that have them, a folder each."""
