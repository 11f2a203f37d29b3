"""Say how a client's files of a channel are read and matched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction

from wallet_project.kit import audit, clock, database
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.money import UnknownCurrency, exponent_of
from wallets.reconciliation import mapping as mappings
from wallets.reconciliation import rules as matching
from wallets.reconciliation.errors import SetupInvalid
from wallets.reconciliation.models import ChannelSetup, Format

_CHANNEL: Final = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SetupRequest:
    """How files of a channel are read, and by which rules they are matched."""

    client: int
    channel: str
    format: str
    currency: str
    mapping: Mapping[str, Any]
    rules: Mapping[str, Any]


def save_setup(*, request: SetupRequest, by: audit.Actor, reason: str) -> ChannelSetup:
    """Save a channel's setup; the audit log keeps what it was before.

    :raises SetupInvalid: if files could not be read or matched by it.
    """
    _check(request)
    values = {
        "format": request.format,
        "currency": request.currency,
        "mapping": mappings.stored(mappings.read_mapping(request.mapping)),
        "rules": matching.stored(matching.read_rules(request.rules)),
    }

    def body() -> ChannelSetup:
        with transaction.atomic(using=PRIMARY, durable=True):
            rows = ChannelSetup.objects.using(PRIMARY)
            named: dict[str, Any] = {"client": request.client, "channel": request.channel}
            found = rows.select_for_update().filter(**named).first()
            before = {} if found is None else {name: getattr(found, name) for name in values}
            stamped = {**values, "changed_at": clock.now(), "changed_by": by.name or by.id}
            saved, _ = rows.update_or_create(defaults=stamped, **named)
            detail = {**named, "before": before, "after": values}
            act = audit.Act(
                "channelsetup.save", "reconciliation.channelsetup", str(saved.pk), reason, detail
            )
            audit.record(by, act)
            return saved

    return database.run_retrying(body, database.INTERACTIVE, operation="save_setup")


def _check(request: SetupRequest) -> None:
    if not _CHANNEL.fullmatch(request.channel):
        raise SetupInvalid("A channel has 1 to 32 characters of a-z, 0-9 and -.", field="channel")
    if request.format not in Format.values:
        raise SetupInvalid(f"The format is one of {', '.join(Format.values)}.", field="format")
    if request.currency:
        try:
            exponent_of(request.currency)
        except UnknownCurrency as error:
            raise SetupInvalid(error.detail, field="currency") from error
