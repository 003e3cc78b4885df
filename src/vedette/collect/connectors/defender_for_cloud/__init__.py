"""Defender for Cloud: alerts and recommendations through Azure Resource Manager."""
