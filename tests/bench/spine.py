"""How many commands a second the spine executes in this process, by the length of the list.

Part of `make bench`. Prints medians of several runs and the ratio to lists of one in the same run,
because machines differ and a ratio travels better than a rate. Proves the books afterwards.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from tests import databases  # noqa: E402
from tests.people import Company, asks, fund, wallet_of  # noqa: E402
from wallet_project.kit import clock  # noqa: E402
from wallets import verification  # noqa: E402
from wallets.identity import WalletIdentity  # noqa: E402
from wallets.models import Client, Plan  # noqa: E402
from wallets.operations import _movement, deposit, group_commit, transfer  # noqa: E402
from wallets.operations._commands import MovementCommand  # noqa: E402

WALLETS = 300
RUNS = 5
SECONDS_A_RUN = 0.8


def deposits(wallets: list[WalletIdentity], length: int) -> list[MovementCommand]:
    """Prepare a list of deposits on different wallets."""
    return [
        deposit.command(wallet=wallet, request=asks(1, wallet=wallet))
        for wallet in (wallets * (length // len(wallets) + 1))[:length]
    ]


def transfers(wallets: list[WalletIdentity], length: int) -> list[MovementCommand]:
    """Prepare a list of transfers, each between neighbours."""
    return [
        transfer.command(
            source=wallets[number],
            destination=wallets[(number + 1) % len(wallets)],
            request=asks(1, wallet=wallets[number]),
        )
        for number in range(length)
    ]


def make_wallets() -> list[WalletIdentity]:
    """Make a client and some wallets with money."""
    plan = Plan.objects.get_or_create(name="unlimited")[0]
    client = Client.objects.create(name="bench", plan=plan, created_at=clock.now())
    company = Company(client.pk, "bench", "")
    wallets = [wallet_of(company, f"w{number}") for number in range(WALLETS)]
    for wallet in wallets:
        fund(wallet, 10_000)
    return wallets


def rate(prepare: object, wallets: list[WalletIdentity], length: int, runs: int) -> float:
    """Measure commands a second: the median of several runs; preparing is part of the work."""
    rates = []
    for _ in range(runs):
        done = 0
        started = time.perf_counter()
        while time.perf_counter() - started < SECONDS_A_RUN:
            outcomes = _movement.execute(prepare(wallets, length))  # type: ignore[operator]
            done += sum(outcome.error is None for outcome in outcomes)
        rates.append(done / (time.perf_counter() - started))
    return statistics.median(rates)


def main() -> int:
    """Measure, print a table and JSON, prove the books."""
    databases.make_test_database()
    wallets = make_wallets()
    runs = 1 if "--quick" in sys.argv else RUNS
    loads = [
        ("deposits, lists of 1", deposits, wallets, 1),
        ("deposits, lists of 8", deposits, wallets, 8),
        ("deposits, lists of 32", deposits, wallets, 32),
        ("deposits, lists of 256", deposits, wallets, 256),
        ("deposits, lists of 256, one wallet", deposits, wallets[:1], 256),
        ("transfers, lists of 256", transfers, wallets, 256),
    ]
    figures = {}
    for name, prepare, chosen, length in loads:
        figures[name] = rate(prepare, chosen, length, runs)
        ratio = figures[name] / figures["deposits, lists of 1"]
        sys.stderr.write(f"{name:40} {figures[name]:8.0f} a second  {ratio:5.1f} x\n")
    group_commit.stop()
    report = verification.verify()
    sys.stderr.write(f"Invariants: {'all hold' if report.is_sound else report.findings}\n")
    sys.stdout.write(json.dumps({"perSecond": figures, "isSound": report.is_sound}) + "\n")
    enough = figures["deposits, lists of 256"] >= 15 * figures["deposits, lists of 1"]
    return 0 if report.is_sound and (enough or "--quick" in sys.argv) else 1


if __name__ == "__main__":
    sys.exit(main())
