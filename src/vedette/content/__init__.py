"""What ships: the demo campaign and its rules."""
