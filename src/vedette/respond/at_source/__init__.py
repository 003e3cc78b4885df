"""What is done with alerts where they come from: dismissed, resolved, made active again, suppressed."""
