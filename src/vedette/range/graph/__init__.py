"""Microsoft Graph: one gateway (token, permissions, query options), one module per family of resources."""
