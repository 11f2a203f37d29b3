"""From bytes to operations, checked without a lock; see `wallets/api/parsing.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wallets.api import errors, parsing
from wallets.api.authentication import Principal
from wallets.api.calls import Call
from wallets.api.operations import shapes
from wallets.api.parsing import Findings, ParsedMovement, Verb
from wallets.errors import FieldInvalid
from wallets.identity import WalletIdentity

_VERBS: Final = {verb.upper(): verb for verb in Verb}


@dataclass(frozen=True, slots=True)
class ParsedOperation:
    """An operation as it was sent, and what is wrong with it so far."""

    sent: shapes.OperationIn
    verb: Verb
    findings: Findings

    @property
    def wallet_name(self) -> str:
        """The wallet as the caller names it."""
        return self.sent.wallet_id

    def movement(self, wallet: WalletIdentity, call: Call, principal: Principal) -> ParsedMovement:
        """Check the operation against its wallet; set the call's key.

        :raises Invalid: if anything is wrong with it.
        """
        request = parsing.movement_request(
            self.verb, wallet, principal, self.sent, self.findings, key=call.key
        )
        call.key = request.key
        return ParsedMovement(self.verb, wallet, request, self.sent.destination_wallet_id)


def operation(body: bytes) -> ParsedOperation:
    """Read the body of POST /wallet.

    :raises Invalid: if it cannot be told what is to happen to which wallet.
    """
    findings = Findings()
    sent = parsing.decode(shapes.OperationIn, body, findings)
    verb = findings.take(_verb, sent.operation_type)
    is_named = isinstance(sent.destination_wallet_id, str)
    if verb is Verb.TRANSFER and sent.destination_wallet_id is None:
        findings.add(
            errors.FieldRequired(
                "A transfer needs a destinationWalletId.", field="destinationWalletId"
            )
        )
    elif verb is not None and verb is not Verb.TRANSFER and is_named:
        findings.add(
            FieldInvalid("Only a transfer has a destination.", field="destinationWalletId")
        )
    if verb is None or not isinstance(sent.wallet_id, str):
        findings.settle()
    assert verb is not None  # noqa: S101 - or settle() has raised
    return ParsedOperation(sent, verb, findings)


def _verb(text: str) -> Verb:
    if text not in _VERBS:
        raise FieldInvalid("The type is DEPOSIT, WITHDRAW or TRANSFER.", field="operationType")
    return _VERBS[text]
