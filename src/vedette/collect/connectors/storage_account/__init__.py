"""The connector Storage Account: what diagnostic settings export into blobs."""
