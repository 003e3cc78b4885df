"""Transformations: what becomes of the rows of a stream before they are stored, in KQL over `source`."""
