"""What can be wrong with an act on staff accounts."""

from __future__ import annotations


class AlreadyEnrolled(Exception):
    """Somebody who has an authenticator cannot enrol another one before a reset."""


class UserExists(Exception):
    """The name is taken."""


class NoSuchRole(Exception):
    """The table of roles has none of this name."""
