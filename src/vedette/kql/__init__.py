"""KQL: text to tokens to syntax tree to bound, typed tree. No engine and no I/O lives here."""
