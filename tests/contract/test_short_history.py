"""The history of the short dialect: what happened to a wallet, oldest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.contract.assertions import TIME
from tests.contract.short import Short, fails
from tests.http import Api


class TestHistory:
    """What happened, oldest first."""

    def test_every_kind_of_item(self, short: Short, acme: Api) -> None:
        short.deposit("alice", 100, "req-001")
        short.withdraw("alice", 10.5, "req-002")
        short.transfer("alice", "bob", 20, "req-003")
        short.transfer("bob", "alice", 5, "req-004")
        short.deposit("alice", 1)

        items = short.get("alice/history").json

        assert all(TIME.fullmatch(item.pop("createdAt")) for item in items)
        assert [list(item) for item in items] == [["id", "eventType", "amount", "metadata"]] * 6
        assert [list(item.values()) for item in items] == [
            [1, "WALLET_CREATED", None, None],
            [2, "FUNDS_DEPOSITED", 100, {"requestId": "req-001"}],
            [3, "FUNDS_WITHDRAWN", 10.5, {"requestId": "req-002"}],
            [4, "TRANSFER_SENT", 20, {"requestId": "req-003"}],
            [5, "TRANSFER_RECEIVED", 5, {"requestId": "req-004"}],
            [6, "FUNDS_DEPOSITED", 1, None],
        ]
        times = [item["createdAt"] for item in short.get("alice/history").json]
        assert times == sorted(times)
        other = [item["eventType"] for item in short.get("bob/history").json]
        assert other == ["WALLET_CREATED", "TRANSFER_RECEIVED", "TRANSFER_SENT"]

    def test_changes_without_money_leave_no_gap(self, short: Short, acme: Api) -> None:
        short.deposit("alice", 1)
        acme.patch("/wallets/alice", {"metadata": {"tier": "gold"}})
        acme.deposit("alice", "2.00", referenceId="elsewhere")
        items = short.get("alice/history").json
        assert [item["id"] for item in items] == [1, 2, 3]
        assert items[2]["metadata"] == {"requestId": "elsewhere"}

    def test_pages(self, short: Short) -> None:
        for number in range(1, 10):
            short.deposit("alice", number)

        def ids(**query: Any) -> list[int]:
            return [item["id"] for item in short.get("alice/history", query=query).json]

        assert ids() == list(range(1, 11))
        assert ids(limit=1) == [1]
        assert ids(limit=3) == [1, 2, 3]
        assert ids(limit=3, offset=3) == [4, 5, 6]
        assert ids(offset=9) == [10]
        assert ids(offset=10) == ids(offset="9" * 18) == []
        assert ids(limit=200, offset=1) == list(range(2, 11))

    def test_a_page_has_a_hundred_items_unless_asked(self, short: Short, acme: Api) -> None:
        acme.post("/wallets", {"reference": "alice"})
        for number in range(100):
            short.deposit("alice", 1, f"k-{number}")
        assert len(short.get("alice/history").json) == 100
        assert len(short.get("alice/history", query={"limit": 101}).json) == 101

    @pytest.mark.parametrize(
        "query",
        [
            {"limit": 0},
            {"limit": 201},
            {"limit": "x"},
            {"offset": -1},
            {"offset": "1.5"},
            {"offset": "9" * 19},
            {"cursor": "x"},
        ],
    )
    def test_bad_parameters(self, short: Short, query: Mapping[str, Any]) -> None:
        short.deposit("alice", 1)
        fails(short.get("alice/history", query=query), 400, "ValidationError")

    def test_a_version_to_wait_for(self, short: Short) -> None:
        short.deposit("alice", 1)
        for path in ("alice", "alice/history"):
            assert short.get(path, headers={"X-Min-Version": "2"}).status == 200
            reply = short.get(path, headers={"X-Min-Version": "3"})
            fails(reply, 412, "VersionNotReachedError")
