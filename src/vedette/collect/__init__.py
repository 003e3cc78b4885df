"""Collection: what takes logs in from outside, and the formats that senders use."""
