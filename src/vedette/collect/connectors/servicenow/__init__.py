"""The connector `servicenow`: records of a table of a ServiceNow instance."""
