"""The HTTP front doors: a module for each protocol that shippers speak."""
