"""The same call many times at once: one effect, one answer, and all but one say they repeat."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from tests.contract.assertions import nothing_happens
from tests.http import Api, Reply
from tests.people import books_now, refusals
from wallets import verification
from wallets.identity import WalletIdentity

CALLERS = 8
Send = Callable[[Api], Reply]
KEY = {"Idempotency-Key": "once"}

PAID: dict[str, Send] = {
    "deposit": lambda api: api.deposit("alice", "5.00", headers=KEY),
    "withdraw": lambda api: api.withdraw("alice", "5.00", headers=KEY),
    "transfer": lambda api: api.transfer("alice", "bob", "5.00", headers=KEY),
    "deposit by reference": lambda api: api.deposit("alice", "5.00", referenceId="r"),
    "withdraw by reference": lambda api: api.withdraw("alice", "5.00", referenceId="r"),
    "transfer by reference": lambda api: api.transfer("alice", "bob", "5.00", referenceId="r"),
    "capture": lambda api: api.post(_hold(api, "/capture"), {"amount": "5.00"}, headers=KEY),
    "capture by reference": lambda api: api.post(_hold(api, "/capture"), {"referenceId": "r"}),
    "hold": lambda api: api.post("/wallets/alice/holds", {"amount": "5.00"}, headers=KEY),
    "hold by reference": lambda api: api.post(
        "/wallets/alice/holds", {"amount": "5.00", "referenceId": "r", "expiresIn": 60}
    ),
    "open": lambda api: api.post("/wallets", {"userId": "u"}, headers=KEY),
    "short deposit": lambda api: _short(api, "new", "deposit", {"amount": 5}),
    "short withdraw": lambda api: _short(api, "alice", "withdraw", {"amount": 5}),
    "short transfer": lambda api: _short(
        api, "alice", "transfer", {"amount": 5, "toWalletId": "new"}
    ),
}
REFUSED: dict[str, Send] = {
    "withdraw": lambda api: api.withdraw("alice", "500.00", headers=KEY),
    "transfer": lambda api: api.transfer("alice", "bob", "500.00", headers=KEY),
    "to itself": lambda api: api.transfer("alice", "alice", "1.00", headers=KEY),
    "currency": lambda api: api.deposit("alice", "1.00", currency="EUR", headers=KEY),
    "hold": lambda api: api.post("/wallets/alice/holds", {"amount": "500.00"}, headers=KEY),
    "capture": lambda api: api.post(_hold(api, "/capture"), {"amount": "9.00"}, headers=KEY),
    "by reference": lambda api: api.withdraw("alice", "500.00", referenceId="r"),
    "short withdraw": lambda api: _short(api, "alice", "withdraw", {"amount": 500}),
}


def _hold(api: Api, verb: str) -> str:
    """Name the path of the one hold that was placed beforehand."""
    placed = api.get("/wallets/alice/holds").json["items"]
    return f"/holds/{placed[-1]['holdId']}{verb}"


def _short(api: Api, name: str, verb: str, body: dict[str, Any]) -> Reply:
    path = f"/v1/wallet/{name}/{verb}"
    return api.post(path, body, headers={"X-Request-ID": "once"}, from_root=True)


@pytest.fixture
def funded(acme: Api, alice: WalletIdentity, bob: WalletIdentity) -> Iterator[Api]:
    acme.deposit("alice", "100.00")
    acme.post("/wallets/alice/holds", {"amount": "5.00", "referenceId": "beforehand"})
    yield acme
    assert verification.verify().findings == []


def at_once(api: Api, send: Send) -> list[Reply]:
    """Send a call by so many callers at once."""

    def one(_: int) -> Reply:
        try:
            return send(Api(api.key))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(one, range(CALLERS)))


def _repeats(replies: list[Reply]) -> int:
    flags = [reply.headers.get("idempotent-replayed") for reply in replies]
    assert set(flags) <= {None, "true"}
    return flags.count("true")


@pytest.mark.parametrize("verb", PAID)
def test_what_was_done_is_told_by_every_repeat(funded: Api, verb: str) -> None:
    before = books_now()
    replies = at_once(funded, PAID[verb])
    after = books_now()

    assert {reply.status for reply in replies} == {201}
    assert len({reply.body for reply in replies}) == 1
    assert len({reply.headers.get("location") for reply in replies}) == 1
    assert _repeats(replies) == CALLERS - 1
    makes_none = verb.partition(" ")[0] in ("open", "hold")
    assert after["entries"] - before["entries"] == (0 if makes_none else 1)
    with nothing_happens():
        late = PAID[verb](funded)
    assert (late.status, late.body) == (201, replies[0].body)
    assert late.headers["idempotent-replayed"] == "true"


def _decided(reply: Reply) -> dict[str, Any]:
    # When it was asked and under which request id differ; what was decided does not.
    own = ("timestamp", "requestId")
    return {name: value for name, value in reply.json.items() if name not in own}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_refusal_is_told_by_every_repeat(funded: Api, kind: str) -> None:
    with nothing_happens():
        replies = at_once(funded, REFUSED[kind])
        late = REFUSED[kind](funded)

    assert {reply.status for reply in replies} == {422}
    assert all(_decided(reply) == _decided(late) for reply in replies)
    assert _repeats(replies) == CALLERS - 1
    assert late.headers["idempotent-replayed"] == "true"
    assert len(refusals()) == 1


@pytest.mark.parametrize("atomic", [False, True])
def test_a_list_is_done_once(funded: Api, atomic: bool) -> None:
    items = [
        {"type": kind, "walletId": "alice", "amount": "5.00", "referenceId": f"r-{kind}"}
        for kind in ("deposit", "withdraw")
    ]
    items.append(items[0] | {"type": "transfer", "destinationWalletId": "bob", "referenceId": "t"})
    before = books_now()

    replies = at_once(
        funded,
        lambda api: api.post("/transactions/bulk", {"transactions": items, "atomic": atomic}),
    )

    assert {reply.status for reply in replies} == {200}
    assert len({reply.body for reply in replies}) == 1
    assert books_now()["entries"] - before["entries"] == 3


def test_refused_items_of_a_list_stay_refused(funded: Api) -> None:
    item = {"type": "withdraw", "walletId": "alice", "amount": "500.00", "referenceId": "r"}

    replies = at_once(funded, lambda api: api.post("/transactions/bulk", {"transactions": [item]}))
    funded.deposit("alice", "1000.00")
    single = funded.withdraw("alice", "500.00", referenceId="r")

    problems = [reply.json["results"][0]["problem"] for reply in replies]
    assert {problem["code"] for problem in problems} == {"insufficient_funds"}
    assert {problem["available"] for problem in problems} == {"95.00"}
    assert (single.status, single.headers["idempotent-replayed"]) == (422, "true")
    assert refusals() == ["insufficient_funds"]
