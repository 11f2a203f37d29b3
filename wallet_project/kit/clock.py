"""The one clock of the application. Money is stamped by the primary's clock, not by this one."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def from_milliseconds(milliseconds: int) -> datetime:
    """Return the moment so many milliseconds after the epoch, in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def rfc3339(moment: datetime) -> str:
    """Write a moment as RFC 3339 in UTC with microseconds and `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
