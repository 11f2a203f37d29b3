"""All that is kept about Alice, a line each, and nothing of anybody else."""

from __future__ import annotations

import json
import stat
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.integration.privacy.test_erasing import SECRET, erase, paid_out, past, run
from wallet_project.kit.models import AuditRecord
from wallets.identity import WalletIdentity
from wallets.models import PayoutStatus
from wallets.privacy.models import PrivacyRecord

__all__ = ["past"]


def export(*more: str, user: str = "user-alice") -> tuple[int, str, str]:
    return run("export_user", "--client", "acme", "--user", user, "--reason", "asked", *more)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.usefixtures("past")
def test_everything_of_alice_is_told(alice: WalletIdentity, bob: WalletIdentity) -> None:
    paid_out(alice, PayoutStatus.PENDING)

    code, out, _ = export()

    assert code == 0
    found = lines(out)
    kinds = Counter(one["kind"] for one in found)
    assert kinds["event"] > 5
    del kinds["event"]
    assert kinds == {"wallet": 1, "entry": 4, "contact": 1, "hold": 1, "payout": 1}
    of = {one["kind"]: one for one in found}
    assert (of["wallet"]["userId"], of["wallet"]["balance"]) == ("user-alice", 29_00)
    assert of["contact"]["email"] == "alice@example.org"
    assert of["payout"]["destination"] == {"iban": "Alice's"}
    sent = of["entry"]
    assert (sent["type"], sent["description"]) == ("transfer", SECRET)
    by_account = {line["account"]: line for line in sent["postings"]}
    assert by_account[str(alice.id)] == {
        "account": str(alice.id),
        "amount": -1_00,
        "balanceAfter": 29_00,
    }
    assert by_account[str(bob.id)] == {"account": str(bob.id), "amount": 1_00}


@pytest.mark.usefixtures("past")
def test_it_is_recorded_with_its_counts(alice: WalletIdentity) -> None:
    assert export()[0] == 0

    begun, ended = PrivacyRecord.objects.order_by("id")
    assert (begun.kind, begun.is_complete, ended.is_complete) == ("EXPORTED", False, True)
    assert begun.run == ended.run
    assert ended.counts["entry"] == 4
    assert AuditRecord.objects.filter(action="user.export", reason="asked").count() == 2


@pytest.mark.usefixtures("past")
def test_a_file_is_the_operators_alone(tmp_path: Path) -> None:
    out = tmp_path / "alice.jsonl"

    assert export("--out", str(out))[0] == 0

    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert len(lines(out.read_text())) == sum(PrivacyRecord.objects.latest("id").counts.values())
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.usefixtures("past")
def test_a_file_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    code, _, err = export("--out", str(tmp_path / "nowhere" / "alice.jsonl"))

    assert code == 1
    assert "cannot be written: No such file or directory" in err


@pytest.mark.usefixtures("past")
def test_after_an_erasure_nothing_is_left_to_hand_out(alice: WalletIdentity) -> None:
    assert erase()[0] == 0

    assert export()[:2] == (0, "")
    code, out, _ = run("export_user", "--wallet", str(alice.id), "--reason", "asked")

    assert code == 0
    for trace in ("user-alice", SECRET, "Alice Example", "alice@example.org"):
        assert trace not in out


def test_a_user_whom_nobody_knows_is_an_error(alice: WalletIdentity) -> None:
    code, out, err = export(user="USER-ALICE")

    assert (code, out) == (1, "")
    assert "Is the name right to the letter?" in err
