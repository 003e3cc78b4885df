"""Vedette: a self-hosted SIEM and SOAR for Azure and Microsoft security that speaks KQL."""

__version__ = "0.1.0"
