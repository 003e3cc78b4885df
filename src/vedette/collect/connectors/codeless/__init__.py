"""Sentinel's codeless connectors (RestApiPoller): definitions in JSON, for simple REST sources."""
