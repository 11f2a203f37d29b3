"""Tell a new reader what happened before it came."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from events import replay_target
from events.broker import Broker
from events.contracts import TYPES
from events.replay_target import Replayed
from wallet_project.kit import stopping
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import DomainError
from wallets import rebuilding
from wallets.identity import parse_uuid
from wallets.models import Client
from wallets.rebuilding import Count, Selection


class Command(BaseCommand):
    """Exit 0: told. Exit 1: it could not. Exit 2: told, but some facts cannot be rebuilt."""

    help = (
        "Send the events of wallets once more, each wallet's in their order, to a topic of its own "
        "for a new reader. Events that are in the archive are rebuilt from the ledger. Ids are the "
        "same each time, so it is safe twice; SIGTERM finishes the batch in hand."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--topic", help="where to; it is made if it is missing")
        parser.add_argument("--from", dest="since", help="from this day or moment on")
        parser.add_argument("--to", dest="until", help="before this day or moment")
        parser.add_argument("--wallet", help="only this wallet's, by its UUID")
        parser.add_argument("--client", help="only this client's, by its name")
        parser.add_argument("--type", action="append", choices=sorted(TYPES), help="only these")
        parser.add_argument("--resume-from", metavar="WALLET:SEQUENCE", help="as a run before said")
        parser.add_argument("--batch-size", type=int, default=1_000, help="events sent at a time")
        parser.add_argument("--wait", type=int, default=30, help="seconds to wait for Kafka")
        parser.add_argument("--dry-run", action="store_true", help="count, send nothing")
        parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
        parser.add_argument(
            "--force-main-topic", action="store_true", help="let all readers have them again"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        selection, topic = _selection(options), options["topic"]
        if topic is None and not options["dry_run"]:
            raise CommandError("Name a --topic, or take a --dry-run.")
        stop = stopping.on_signal()
        count = Count()
        found = rebuilding.events(selection, count)
        to: Broker | None = None
        try:
            if topic is not None:
                replay_target.check(
                    topic, since=selection.since, force_main=options["force_main_topic"]
                )
            if not options["dry_run"]:
                to = replay_target.open_(topic, wait_seconds=options["wait"])
            resume = self._tell(found, to, topic, stop, max(options["batch_size"], 1))
        except DomainError as error:
            raise CommandError(error.detail) from error
        finally:
            if to is not None:
                to.close()
        self._report(count, resume, options)

    def _tell(
        self,
        found: Iterator[Replayed],
        to: Broker | None,
        topic: str,
        stop: threading.Event,
        size: int,
    ) -> str | None:
        """Send batches; return where to go on, or None at the end."""
        sent = 0
        while batch := list(islice(found, size)):
            if to is not None:
                replay_target.send(to, topic, batch)
            sent += len(batch)
            place = f"{batch[-1].stream}:{batch[-1].sequence}"
            self.stderr.write(f"{sent} events, resume with --resume-from {place}")
            if stop.is_set():
                return place
        return None

    def _report(self, count: Count, resume: str | None, options: dict[str, Any]) -> None:
        numbers: dict[str, Any] = {
            "events": count.events,
            "wallets": count.wallets,
            "rebuilt": count.rebuilt,
            "missing": count.missing,
            "types": dict(sorted(count.by_type.items())),
            "resumeFrom": resume,
        }
        if options["json"]:
            self.stdout.write(json.dumps(numbers))
        else:
            self.stdout.write(
                f"{count.events} events of {count.wallets} wallets, {count.rebuilt} of them rebuilt"
                f" from the ledger; {count.missing} facts cannot be rebuilt."
            )
        if count.missing:
            sys.exit(2)


def _selection(options: dict[str, Any]) -> Selection:
    wallet = None if options["wallet"] is None else parse_uuid(options["wallet"])
    if options["wallet"] is not None and wallet is None:
        raise CommandError("--wallet must be a UUID.")
    client = None
    if options["client"] is not None:
        named = Client.objects.using(PRIMARY).filter(name=options["client"])
        client = named.values_list("pk", flat=True).first()
        if client is None:
            raise CommandError(f"There is no client {options['client']}.")
    return Selection(
        since=_moment(options["since"]),
        until=_moment(options["until"]),
        wallet=wallet,
        client=client,
        types=frozenset(options["type"]) if options["type"] else None,
        after=_place(options["resume_from"]),
    )


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is no day or moment, such as 2026-01-31.") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _place(text: str | None) -> tuple[UUID, int] | None:
    if text is None:
        return None
    wallet, _, sequence = text.partition(":")
    found = parse_uuid(wallet)
    if found is None or not sequence.isdecimal():
        raise CommandError("--resume-from must be as a run before printed it.")
    return found, int(sequence)
