"""Office 365: the unified audit log through the Management Activity API."""
