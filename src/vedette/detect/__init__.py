"""Detection: analytics rules are read, kept, run on their schedule, and raise alerts."""
