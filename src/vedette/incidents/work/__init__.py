"""What people do with incidents: tasks, bookmarks, merging and splitting."""
