"""Writes the attack campaign that ships with the product: a fictitious company, two days of its logs, one intrusion."""
