"""Accepted operations on the real parts: many of them, while workers die."""
