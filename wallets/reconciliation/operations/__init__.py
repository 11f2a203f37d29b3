"""What can be done about files, items and matches: one verb a file."""
