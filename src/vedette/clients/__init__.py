"""Typed clients for other systems' interfaces. Official SDKs are imported when they are first used, not before."""
