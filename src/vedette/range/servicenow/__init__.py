"""A ServiceNow instance, as far as its Table API and its OAuth tokens go."""
