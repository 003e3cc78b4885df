"""Watchlists: reference data that analysts keep and queries read with `_GetWatchlist()`."""
