"""Keep a file while somebody looks at what it says."""

from __future__ import annotations

import zlib
from datetime import timedelta
from typing import Final
from uuid import UUID

from wallet_project.kit import audit, clock
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.ids import uuid7
from wallets.reconciliation.errors import UploadGone
from wallets.reconciliation.models import Upload
from wallets.reconciliation.operations.load_file import Package

KEPT: Final = timedelta(days=1)


def keep_upload(*, package: Package, by: audit.Actor) -> UUID:
    """Keep a file that was read for a day at most, for the one who brought it.

    What others have forgotten goes with it.
    """
    rows = Upload.objects.using(PRIMARY)
    moment, id_ = clock.now(), uuid7()
    rows.filter(made_at__lt=moment - KEPT).delete()
    rows.create(
        id=id_,
        client=package.setup.client,
        channel=package.setup.channel,
        name=package.name,
        packed=package.packed,
        made_at=moment,
        made_by=by.id,
    )
    return id_


def uploaded(*, upload: UUID, by: audit.Actor) -> tuple[Upload, bytes]:
    """Return a file that was kept, and its bytes.

    :raises UploadGone: if it is not there any more, or somebody else's.
    """
    found = Upload.objects.using(PRIMARY).filter(pk=upload, made_by=by.id).first()
    if found is None:
        raise UploadGone("The file is not kept any more; choose it again.", field="file")
    return found, zlib.decompress(bytes(found.packed))


def forget_upload(*, upload: UUID) -> None:
    """Let go of a file that was loaded."""
    Upload.objects.using(PRIMARY).filter(pk=upload).delete()
