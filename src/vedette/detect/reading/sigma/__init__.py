"""Sigma rules: which tables a log source is, what its fields are called there, and the KQL of conditions and correlations."""
