"""Azure Resource Manager: one gateway (paths, versions, tokens, roles, throttling), one module per resource type."""
