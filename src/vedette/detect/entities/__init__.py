"""Entities: their types and identifiers, and how a rule maps columns to them."""
