"""Settings of statements and exports; `settings.py` takes them all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wallet_project import env
from wallet_project.kit import storages

STATEMENT_LINES_MAX = env.number("STATEMENT_LINES_MAX", 5_000, least=1)
"""A statement of more lines is not answered at once but exported."""
EXPORT_PDF_LINES_MAX = env.number("EXPORT_PDF_LINES_MAX", 20_000, least=1)
"""A PDF is in memory until it is finished."""
EXPORT_TASK_LINES_MAX = env.number("EXPORT_TASK_LINES_MAX", 20_000, least=1)
"""Beat leaves longer workbooks and PDF, which have no slices, to `manage.py work_exports`."""
EXPORT_KEPT_HOURS = env.number("EXPORT_KEPT_HOURS", 72, least=1)
"""After so long the file of an export is removed."""
EXPORT_LINK_HOURS = env.number("EXPORT_LINK_HOURS", 24, least=1)
"""How long a link to it leads there."""
EXPORTS_AT_ONCE = env.number("EXPORTS_AT_ONCE", 1, least=1)
"""How many exports are worked on at the same time, by all workers together."""


def exports_storage(folder: Path) -> dict[str, Any]:
    """Say where files of exports lie: unfinished ones below a folder, finished ones there too,
    unless a bucket takes them."""
    return storages.archive(
        folder=str(folder),
        bucket=env.text("EXPORTS_S3_BUCKET"),
        prefix=env.text("EXPORTS_S3_PREFIX"),
    )
