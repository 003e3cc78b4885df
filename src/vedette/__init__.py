"""Vedette: a self-hosted SIEM and SOAR for Azure and Microsoft security that speaks KQL."""
