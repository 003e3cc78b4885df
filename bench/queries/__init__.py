"""The shapes of queries that detections are made of, each against the best SQL that a person would write for it."""
