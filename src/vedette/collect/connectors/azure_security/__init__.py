"""Azure Security: alerts and incidents of Microsoft's security products through Microsoft Graph."""
