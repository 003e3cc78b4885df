"""Azure's activity log through Azure Resource Manager."""
