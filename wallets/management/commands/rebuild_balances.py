"""Bring balances back to what the books say."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wallet_project.kit import database, stopping
from wallet_project.kit.audit import Actor
from wallet_project.kit.clock import rfc3339
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import DomainError
from wallets.corrections import rebuilds
from wallets.management.naming import client_named, uuid_of
from wallets.models import BalanceRebuild, Wallet
from wallets.operations.rebuild_balances import (
    WALLETS_A_BATCH,
    Found,
    Order,
    Rebuilding,
    Scope,
    latest,
)

ACTOR = Actor("command:rebuild_balances")
RUNS_LISTED = 20


class Command(BaseCommand):
    """Exit 0: nothing differed. Exit 2: something did, and is mended (not with --dry-run).
    Exit 1: it could not, or not wholly: a wallet was left alone, or the run was stopped."""

    help = (
        "Compute balances, held amounts, posting counts and versions from the ledger, the holds "
        "and the events, while money moves, and mend what differs. The same command goes on where "
        "a run before was stopped or killed. SIGTERM finishes the batch in hand."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--wallet", action="append", default=[], help="only this one, by UUID")
        parser.add_argument("--client", help="only this client's, by its name")
        parser.add_argument("--reason", default="", help="why; it is kept with every repair")
        parser.add_argument("--dry-run", action="store_true", help="compare, mend nothing")
        parser.add_argument(
            "--batch-size", type=int, default=WALLETS_A_BATCH, help="wallets locked together"
        )
        parser.add_argument(
            "--from-start", action="store_true", help="do not go on with an unfinished run"
        )
        parser.add_argument("--list", action="store_true", help="only list the latest runs")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")
        parser.add_argument("--approval", help="id of the request that was approved, for many")
        parser.add_argument("--no-input", action="store_true", help="ask nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            self._list(as_json=options["json"])
            return
        if not options["reason"].strip():
            raise CommandError("Say why by --reason; it is kept with every repair.")
        scope = _scope(options)
        reason = options["reason"].strip() + _approved(scope, options["approval"])
        if not options["no_input"]:
            self._ask(scope)
        stop = stopping.on_signal()
        found: list[Found] = []
        with database.long_statements():
            rebuilding = Rebuilding(
                scope,
                Order(ACTOR, reason),
                batch_size=max(options["batch_size"], 1),
                from_start=options["from_start"],
                found=lambda one: self._say(one, found, as_json=options["json"]),
            )
            if rebuilding.was_resumed:
                self.stderr.write(
                    f"{rebuilding.run} goes on after wallet {rebuilding.run.last_wallet}"
                )
            for run in rebuilding.go(enough=stop.is_set):
                self.stderr.write(f"{run.wallets} wallets, {run.differing} differed")
        self._report(rebuilding, found, options)

    def _ask(self, scope: Scope) -> None:
        if scope.is_dry or scope.wallets or not sys.stdin.isatty():
            return
        question = "Mend every wallet that differs from the books? Type yes: "
        if input(question).strip().lower() != "yes":
            raise CommandError("Nothing was done.")

    def _say(self, one: Found, found: list[Found], *, as_json: bool) -> None:
        if as_json:
            found.append(one)
            return
        for difference in one.differences:
            self.stdout.write(f"{one.wallet} {difference}")
        if one.defect:
            self.stdout.write(f"{one.wallet} left as it is: {one.defect}")

    def _report(self, rebuilding: Rebuilding, found: list[Found], options: dict[str, Any]) -> None:
        run = rebuilding.run
        if options["json"]:
            report = _as_dict(run) | {
                "longestLockSeconds": round(rebuilding.longest_lock, 3),
                "found": [_found_as_dict(one) for one in found],
            }
            self.stdout.write(json.dumps(report, indent=2))
        else:
            self.stdout.write(
                f"{run}: {run.wallets} wallets, {run.differing} differed, {run.mended} mended, "
                f"{run.left} left as they are; locked for {rebuilding.longest_lock:.3f} s at most."
            )
        if run.finished_at is None:
            raise CommandError(f"{run} was stopped; the same command goes on with it.")
        if run.left:
            raise CommandError(f"{run.left} wallets were left as they are; see verify_ledger.")
        if run.differing:
            sys.exit(2)

    def _list(self, *, as_json: bool) -> None:
        runs = latest(limit=RUNS_LISTED)
        if as_json:
            self.stdout.write(json.dumps([_as_dict(run) for run in runs], indent=2))
            return
        for run in runs:
            ended = "unfinished" if run.finished_at is None else f"ended {rfc3339(run.finished_at)}"
            self.stdout.write(
                f"{run}: began {rfc3339(run.started_at)}, {ended}, {run.wallets} wallets, "
                f"{run.differing} differed, {run.mended} mended, {run.left} left: {run.reason}"
            )


def _scope(options: dict[str, Any]) -> Scope:
    client = None if options["client"] is None else client_named(options["client"])
    asked = [uuid_of(text) for text in options["wallet"]]
    known = set(Wallet.objects.using(PRIMARY).filter(pk__in=asked).values_list("pk", flat=True))
    for wallet in asked:
        if wallet not in known:
            raise CommandError(f"There is no wallet {wallet}.")
    return Scope(tuple(sorted(known)), client, options["dry_run"])


def _approved(scope: Scope, approval: str | None) -> str:
    """Return what to add to the reason; looks, before many wallets are mended, for an approval."""
    if scope.is_dry:
        return ""
    if approval is None:
        if rebuilds.needs_approval(scope.client, len(scope.wallets)):
            raise CommandError(
                "So many wallets take a second person. Ask at Waiting for approval, Ask for a "
                "rebuild, in the admin; when it is approved, add --approval and the request's id."
            )
        return ""
    try:
        return f" {rebuilds.mark_of(rebuilds.check(uuid_of(approval), scope.client))}"
    except DomainError as error:
        raise CommandError(f"Not with this approval: {error.detail}") from error


def _as_dict(run: BalanceRebuild) -> dict[str, Any]:
    return {
        "run": run.pk,
        "scope": run.scope,
        "reason": run.reason,
        "wallets": run.wallets,
        "differing": run.differing,
        "mended": run.mended,
        "left": run.left,
        "startedAt": rfc3339(run.started_at),
        "finishedAt": None if run.finished_at is None else rfc3339(run.finished_at),
    }


def _found_as_dict(one: Found) -> dict[str, Any]:
    return {
        "wallet": str(one.wallet),
        "differences": [difference.as_dict() for difference in one.differences],
        "mended": one.is_mended,
        "leftBecause": one.defect or None,
    }
