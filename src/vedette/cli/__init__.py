"""The `vedette` command, a module for each group of commands."""
