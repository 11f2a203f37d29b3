"""Where files lie that are kept for long: a folder that survives a power cut, or S3."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage


def archive(*, folder: str, bucket: str, prefix: str) -> dict[str, Any]:
    """Make the entry of STORAGES for the archive: S3 where a bucket is named, else a folder.

    S3 needs the package `django-storages[s3]`, which is not among the requirements.
    """
    if not bucket:
        return {
            "BACKEND": "wallet_project.kit.storages.DurableFileSystemStorage",
            "OPTIONS": {"location": folder, "file_permissions_mode": 0o640},
        }
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        # Never over another file: two runs at once then leave two files, not half of one.
        "OPTIONS": {"bucket_name": bucket, "location": prefix, "file_overwrite": False},
    }


class DurableFileSystemStorage(FileSystemStorage):
    """A folder whose files are on the disk when `save()` returns."""

    def _save(self, name: str, content: File[Any]) -> str:
        saved = super()._save(name, content)  # type: ignore[misc]  # the stubs lack it
        place = Path(self.path(saved))
        root = Path(self.location)
        for path in (place, *(p for p in place.parents if p == root or root in p.parents)):
            _sync(path)
        return str(saved)


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
