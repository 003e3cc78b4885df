"""How logs come in from elsewhere."""
