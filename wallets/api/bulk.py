"""From bytes to a list of commands: a bulk's envelope first, then each movement by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from wallet_project.kit.errors import DomainError
from wallets import identity
from wallets.api import errors, parsing, rendering, shapes_books, throttling
from wallets.api.authentication import Principal
from wallets.api.calls import Answer, Call
from wallets.api.parsing import Findings, ParsedMovement, Verb
from wallets.errors import DestinationNotFound, FieldInvalid, WalletNotFound
from wallets.identity import WalletIdentity
from wallets.operations._commands import MovementCommand
from wallets.operations.bulk import run_each, run_together


@dataclass(frozen=True, slots=True)
class Item:
    """One movement of a bulk as it was sent, and what is wrong with it so far."""

    sent: shapes_books.BulkItem | None
    """None where it was no JSON object at all."""
    verb: Verb | None
    findings: Findings

    def names(self) -> list[str]:
        """List the wallets that the movement names."""
        if self.sent is None:
            return []
        named = (self.sent.wallet_id, self.sent.destination_wallet_id)
        return [name for name in named if isinstance(name, str)]

    def command(
        self, principal: Principal, wallets: Mapping[str, WalletIdentity]
    ) -> MovementCommand:
        """Make the spine's command.

        :raises DomainError: Invalid, WalletNotFound, TooManyChannels.
        """
        sent, verb = self.sent, self.verb
        if sent is None or verb is None or sent.wallet_id not in wallets:
            self.findings.settle()
            raise WalletNotFound("The wallet does not exist.", field="walletId")
        wallet = wallets[sent.wallet_id]
        request = parsing.movement_request(verb, wallet, principal, sent, self.findings, key=None)
        destination = None
        if sent.destination_wallet_id is not None:
            destination = wallets.get(sent.destination_wallet_id)
            if destination is None:
                raise DestinationNotFound("The wallet does not exist.", field="destinationWalletId")
        movement = ParsedMovement(verb, wallet, request, sent.destination_wallet_id)
        return movement.command(destination)


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """A bulk whose envelope is in order."""

    items: Sequence[Item]
    atomic: bool

    def names(self) -> set[str]:
        """Name the wallets it is about, to be found all at once."""
        return {name for item in self.items for name in item.names()}

    def withdrawals(self) -> int:
        """Count the withdrawals, which a plan may limit by themselves."""
        return sum(item.verb is Verb.WITHDRAW for item in self.items)

    def commands(
        self, principal: Principal, wallets: Mapping[str, WalletIdentity]
    ) -> list[MovementCommand | DomainError]:
        """Make the commands; in place of each that cannot be, what is wrong with it."""
        return [_command_or_error(item, principal, wallets) for item in self.items]


def execute(
    call: Call,
    principal: Principal,
    body: bytes,
    *,
    told: Callable[[DomainError], tuple[int, bytes]],
) -> Answer:
    """Do what POST /transactions/bulk asks for; `told` renders the error of a single movement.

    :raises DomainError: what the list failed with as a whole.
    """
    asked = read(call, body)
    throttling.charge_list(
        call, principal, commands=len(asked.items), withdrawals=asked.withdrawals()
    )
    wallets = identity.identify_many(principal.client, asked.names())
    commands = asked.commands(principal, wallets)
    outcomes = run_together(commands) if asked.atomic else run_each(commands)
    return rendering.bulk(call, outcomes, atomic=asked.atomic, told=told)


def read(call: Call, body: bytes) -> BulkRequest:
    """Read the body of POST /transactions/bulk.

    :raises InvalidHeader: if the call brings an `Idempotency-Key`; each movement has its own.
    :raises Invalid: if the envelope is malformed. A malformed movement is noted with it.
    """
    if "idempotency-key" in call.headers:
        call.key = None
        raise errors.InvalidHeader(
            "A bulk takes no Idempotency-Key: the referenceId of each movement is its key.",
            field="Idempotency-Key",
        )
    findings = Findings()
    sent = parsing.decode(shapes_books.BulkEnvelope, body, findings)
    findings.settle()
    return BulkRequest([_item(bytes(raw)) for raw in sent.transactions], bool(sent.atomic))


def _item(raw: bytes) -> Item:
    findings = Findings()
    if not raw.startswith(b"{"):
        findings.add(errors.WrongType("A transaction must be a JSON object."))
        return Item(None, None, findings)
    sent = parsing.decode_scanned(shapes_books.BulkItem, raw, findings)
    verb = findings.take(_verb, sent.type)
    named = isinstance(sent.destination_wallet_id, str)
    if verb is Verb.TRANSFER and sent.destination_wallet_id is None:
        findings.add(
            errors.FieldRequired(
                "A transfer needs a destinationWalletId.", field="destinationWalletId"
            )
        )
    elif verb is not None and verb is not Verb.TRANSFER and named:
        findings.add(
            FieldInvalid("Only a transfer has a destination.", field="destinationWalletId")
        )
    return Item(sent, verb, findings)


def _verb(text: str) -> Verb:
    try:
        return Verb(text.lower())
    except ValueError:
        raise FieldInvalid("The type is deposit, withdraw or transfer.", field="type") from None


def _command_or_error(
    item: Item, principal: Principal, wallets: Mapping[str, WalletIdentity]
) -> MovementCommand | DomainError:
    try:
        return item.command(principal, wallets)
    except DomainError as error:
        return error
