"""What a workspace knows of the entities of its incidents, attached to them by itself."""
