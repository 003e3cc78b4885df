"""Parsers of log formats: text or JSON in, rows of log tables out; a format a file, without input or output of its own."""
