"""The enrichments that ship, a file each."""
