"""The REST API, and the operations that it and the command line share."""
