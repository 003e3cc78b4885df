"""What comes as files: recognised by content, unpacked, read into the tables that the records belong to; and folders that are watched."""
