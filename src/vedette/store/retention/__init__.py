"""How long rows stay and where they go: periods, the lake, purging, export."""
