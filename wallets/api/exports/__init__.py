"""Statements and exports over HTTP."""
