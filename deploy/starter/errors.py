"""Holds the two ways a start can end early."""

from __future__ import annotations


class StartError(Exception):
    """Says in one sentence, to the person at the terminal, what went wrong and what to do."""


class Stopped(Exception):
    """Somebody pressed Ctrl-C or sent a signal; not an error."""
