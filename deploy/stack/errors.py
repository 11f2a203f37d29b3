"""Holds the one error that ends a command with a sentence instead of a traceback."""

from __future__ import annotations


class StackError(Exception):
    """Says in one sentence, to the person at the terminal, what went wrong and what to do."""
