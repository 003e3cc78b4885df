"""What happens by itself, or at a word, after an incident is there."""
