"""Links to finished files: signed, for one export, for some hours."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core import signing

from wallet_project.kit.clock import now
from wallets.exports.errors import LinkNotFound

_SALT: Final = "wallets.exports.links"


def token_for(export: UUID) -> str:
    """Sign a link to the file of an export."""
    return signing.dumps(export.hex, salt=_SALT)


def ends_at(expires_at: datetime) -> datetime:
    """Tell until when a link that is signed now leads to a file that is removed then."""
    return min(now() + timedelta(hours=settings.EXPORT_LINK_HOURS), expires_at)


def check(token: str, export: UUID) -> None:
    """Hold a link to its export and to its time.

    :raises LinkNotFound: if it is another export's, its time is over, or it was not signed here.
    """
    try:
        named = signing.loads(
            token, salt=_SALT, max_age=timedelta(hours=settings.EXPORT_LINK_HOURS)
        )
    except signing.BadSignature:  # also: its time is over
        named = None
    if named != export.hex:
        raise LinkNotFound("The link does not lead to a file; ask the export for a new one.")
