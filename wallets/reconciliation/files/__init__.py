"""Readers of statements: bytes in, lines and stated balances out. No database, no clock."""
