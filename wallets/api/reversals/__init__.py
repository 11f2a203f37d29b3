"""Reversals over HTTP."""
