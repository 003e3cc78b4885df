"""A stateful fake tenant: Entra tokens and Azure Resource Manager on one TLS port, as official SDKs expect them."""
