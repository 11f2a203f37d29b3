"""How statements and transactions are written. Every format prints the same texts."""
