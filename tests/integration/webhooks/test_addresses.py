"""Where webhooks may go: a name is looked up once, and every address it has is looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from events.consumers.webhooks.deliverer import deliver_due
from events.consumers.webhooks.rules import Rules
from tests.people import Company, fund
from tests.receiver import receiver
from tests.webhooks import endpoint_of, fan_out, log, statuses
from wallets.identity import WalletIdentity


class Names:
    """Answers look-ups as told, and counts them."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["::ffff:127.0.0.1"], ["169.254.169.254"]],
)
def test_a_name_that_leads_to_a_private_address_is_not_followed(
    client_acme: Company, alice: WalletIdentity, rules: Rules, addresses: list[str]
) -> None:
    strict = replace(rules, networks=())
    with receiver() as hook:
        # Given while the name was innocent; at the time of sending it leads elsewhere.
        endpoint_of(client_acme, f"http://hook.example:{hook.port}/hook")
        fund(alice, 500)
        fan_out()
        assert deliver_due(strict, Names(addresses)) == 1
        assert hook.calls == []
    assert log() == [(1, None, "address_not_allowed")]
    assert statuses() == ["PENDING"]


def test_an_address_that_was_allowed_once_is_looked_at_again(
    client_acme: Company, alice: WalletIdentity, rules: Rules
) -> None:
    with receiver() as hook:
        endpoint_of(client_acme, hook.url)
        fund(alice, 500)
        fan_out()
        deliver_due(replace(rules, networks=()))
        assert hook.calls == []
    assert log() == [(1, None, "url_not_allowed")]


def test_the_connection_goes_where_the_one_look_up_led(
    client_acme: Company, alice: WalletIdentity, rules: Rules
) -> None:
    # A name that says something else each time it is asked is asked once.
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    with receiver() as hook:
        endpoint_of(client_acme, f"http://hook.example:{hook.port}/hook")
        fund(alice, 500)
        fan_out()
        deliver_due(rules, names)
        (call,) = hook.calls
    assert call.headers["host"] == f"hook.example:{hook.port}"
    assert names.asked == ["hook.example"]
    assert statuses() == ["SUCCEEDED"]


def test_a_name_that_nobody_knows(
    client_acme: Company, alice: WalletIdentity, rules: Rules
) -> None:
    async def unknown(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    endpoint_of(client_acme, "http://hook.example/hook")
    fund(alice, 500)
    fan_out()
    deliver_due(rules, unknown)
    assert log() == [(1, None, "name_not_found")]
