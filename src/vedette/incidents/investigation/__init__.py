"""Investigation: what belongs together (the graph), what an entity did (its page and timeline), what was alike before."""
