"""The actions of automation rules, a file each; `registry.py` has a line for each."""
