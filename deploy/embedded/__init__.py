"""The service with nothing but Python: SQLite, a log file for events, Celery on the file system."""
