"""Correlation: rules of kind Fusion, which see that alerts of several stages of an attack belong to one campaign."""
