"""Developer scripts; nothing in src/vedette may use them."""
