"""How services are spoken to; a module for each."""
