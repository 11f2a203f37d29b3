"""Makes a story true: every movement is a command of the one write path, in lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from events import contracts
from events.consumers.webhooks import endpoints
from events.consumers.webhooks.matching import Filters
from wallet_project.kit.errors import Refused
from wallets import idempotency, payout_queries, queries
from wallets.holds import HoldRecord
from wallets.identity import WalletIdentity, identify
from wallets.management.demo.past import told_at
from wallets.management.demo.story import Act, Moment, Person, Story, Verb
from wallets.operations import (
    bulk,
    capture_hold,
    deposit,
    place_hold,
    request_payout,
    transfer,
    void_hold,
    withdraw,
)
from wallets.operations._commands import MovementCommand, MovementRequest, Outcome
from wallets.operations._status import StatusRequest
from wallets.operations.freeze_wallet import freeze_wallet
from wallets.operations.open_wallet import open_wallet
from wallets.payouts import saga
from wallets.payouts.gateway import Declined, Paid, Payment, Said

ACTOR: Final = "command:seed_demo"
_SAY_EVERY: Final = 200


@dataclass(slots=True)
class Told:
    """What has been made."""

    wallets: int = 0
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    frozen: str = ""
    payouts: Counter[str] = field(default_factory=Counter)


class Unexpected(Exception):
    """A movement of the story met something other than a refusal."""


class Teller:
    """Tells a story about one client."""

    def __init__(self, client: int, story: Story, say: Callable[[str], object]) -> None:
        """Take what is needed; nothing is written yet."""
        self._client, self._story, self._say = client, story, say
        self._known: dict[str, WalletIdentity] = {}
        self._holds: dict[int, HoldRecord] = {}
        self._payouts: list[HoldRecord] = []
        self.told = Told()

    def tell(self) -> Told:
        """Write the whole story.

        :raises Unexpected: where a command ended as no story foresees.
        """
        for number, moment in enumerate(self._story.moments()):
            with told_at(moment.at):
                self._tell(moment)
            if number % _SAY_EVERY == 0:
                self._say(f"{moment.at:%Y-%m-%d}: {self.told.done.total()} movements")
        self._pay_out()
        self._add_endpoint()
        return self.told

    def _tell(self, moment: Moment) -> None:
        for person in moment.opened:
            self._open(person)
        acts = list(moment.acts)
        # What ends a hold needs its record, which may be made by this very list.
        outcomes = bulk.run_each([self._command(act) for act in acts])
        for act, outcome in zip(acts, outcomes, strict=True):
            self._note(act, outcome)
        if moment.frozen is not None:
            self._freeze(moment.frozen)

    def _open(self, person: Person) -> None:
        open_wallet(
            client=self._client,
            user_id=person.user_id,
            reference=person.reference,
            currency=person.currency,
            metadata={"segment": "shop" if person.is_shop else "retail"},
            key=idempotency.from_header(self._client, f"open-{person.reference}"),
        )
        self._known[person.reference] = identify(self._client, person.reference)
        self.told.wallets += 1

    def _command(self, act: Act) -> MovementCommand:
        wallet = self._known[act.wallet.reference]
        key = idempotency.from_header(self._client, f"demo-{act.number}")
        request = MovementRequest(
            amount=act.amount,
            key=key,
            actor=ACTOR,
            reference=act.reference,
            channel=act.channel,
            description=act.description or None,
        )
        if act.verb is Verb.TRANSFER and act.other is not None:
            other = self._known[act.other.reference]
            return transfer.command(source=wallet, destination=other, request=request)
        if act.verb is Verb.HOLD:
            return place_hold.command(wallet=wallet, request=request, expiry=place_hold.Expiry())
        if act.verb is Verb.PAYOUT:
            return request_payout.command(
                wallet=wallet, request=request, destination={"account": f"acct-{act.number}"}
            )
        if act.verb is Verb.CAPTURE:
            hold = self._holds.pop(act.hold)
            return capture_hold.command(hold=hold, wallet=wallet, request=request)
        if act.verb is Verb.VOID:
            return void_hold.command(hold=self._holds.pop(act.hold), key=key, actor=ACTOR)
        if act.verb is Verb.DEPOSIT:
            return deposit.command(wallet=wallet, request=request)
        return withdraw.command(wallet=wallet, request=request)

    def _note(self, act: Act, outcome: Outcome) -> None:
        if outcome.error is not None:
            if not isinstance(outcome.error, Refused):
                raise Unexpected(f"{act.reference}: {outcome.error.detail}") from outcome.error
            self.told.refused[outcome.error.code] += 1
            return
        self.told.done[act.verb.name.lower()] += 1
        if act.verb is Verb.HOLD:
            self._holds[act.number] = outcome.unwrap_hold()
        elif act.verb is Verb.PAYOUT:
            self._payouts.append(outcome.unwrap_hold())

    def _freeze(self, person: Person) -> None:
        wallet = self._known[person.reference]
        freeze_wallet(wallet=wallet, request=StatusRequest(actor=ACTOR, reason="Looks like theft"))
        self.told.frozen = str(wallet.id)

    def _pay_out(self) -> None:
        """Let the gateway answer for most of the payouts; some are still on their way."""
        for number, hold in enumerate(self._payouts):
            if number % 5 != 4:
                saga.advance(hold.id, _Answers(declines=number % 5 == 3))
            row = payout_queries.payout(self._client, str(hold.id))
            self.told.payouts[row.status] += 1

    def _add_endpoint(self) -> None:
        asked = endpoints.NewEndpoint(
            url="https://example.com/wallet-events",
            description="What happens to wallets",
            filters=Filters(event_types=[contracts.FROZEN, contracts.UNFROZEN]),
            contact_email="",
            enabled=True,
            idempotency_key=idempotency.from_header(self._client, "demo-endpoint").digest,
            request_hash=idempotency.request_hash("demo-endpoint", []),
        )
        endpoints.create(client=self._client, asked=asked, moment=queries.primary_clock())


class _Answers:
    """A gateway that decides at once."""

    def __init__(self, *, declines: bool) -> None:
        self._declines = declines

    def pay(self, payment: Payment) -> Said:
        """Pay or decline."""
        if self._declines:
            return Declined("account_closed")
        return Paid(f"demo-{payment.reference}")

    def find(self, key: Any) -> Said:
        """Tell the same again."""
        return Declined("account_closed") if self._declines else Paid(f"demo-{key}")
