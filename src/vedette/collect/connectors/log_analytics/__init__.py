"""Tables of another Log Analytics workspace."""
