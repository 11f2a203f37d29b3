"""What may be done with a request for approval: one verb a file."""
