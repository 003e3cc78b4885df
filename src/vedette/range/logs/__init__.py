"""Log Analytics: queries over the tables of workspaces, and the Logs Ingestion API."""
