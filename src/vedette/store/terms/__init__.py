"""The term index: which rows of a table can hold a text, so that `has`, `contains` and `search` read only those."""
