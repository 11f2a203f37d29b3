"""Publish what events look like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from events import avro, schemas


class Command(BaseCommand):
    """Exit 0: written, or up to date. Exit 2: the files are others, or may not become these."""

    help = (
        "Write the JSON and Avro schemas of all events, and of their headers. A change that "
        "readers of published events could not bear is refused: it needs a new version of the type."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="compare, write nothing")
        parser.add_argument(
            "--folder", type=Path, default=Path(settings.BASE_DIR) / "docs" / "events"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        made = schemas.every_schema()
        refused = list(schemas.refusals(_published(folder, schemas.ENDING), made))
        in_avro = avro.every_schema()
        refused += avro.refusals(_published(folder, avro.ENDING), in_avro)
        made |= in_avro
        if refused:
            raise CommandError("\n".join(refused), returncode=2)
        stale = {
            name: content
            for name, schema in made.items()
            if _read(folder / name) != (content := schemas.write(schema))
        }
        if options["check"]:
            if stale:
                names = ", ".join(stale)
                raise CommandError(f"Not up to date, run `make schema`: {names}.", returncode=2)
            self.stderr.write(f"{len(made)} schemas are up to date.")
            return
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in stale.items():
            (folder / name).write_bytes(content)
        self.stderr.write(f"{len(stale)} of {len(made)} schemas written.")


def _published(folder: Path, ending: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob(f"*{ending}"))}


def _read(file: Path) -> bytes | None:
    return file.read_bytes() if file.exists() else None
