"""What can be done, one verb a file. Every way in (API, admin, command, task) calls these."""
