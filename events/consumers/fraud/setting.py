"""What staff set: the rules' thresholds. The audit log keeps what each was before."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction

from events.consumers.fraud.models import FraudRule
from wallet_project.kit import audit
from wallet_project.kit.audit import Act, Actor
from wallet_project.kit.database import PRIMARY

_COLUMNS: Final = ("rule", "currency", "thresholds", "action", "enabled")


def set_rule(rule: FraudRule, *, by: Actor) -> None:
    """Make a rule, or change it, from the next movement on."""
    with transaction.atomic(using=PRIMARY):
        before = _found(rule)
        rule.save(using=PRIMARY)
        _record("set", rule, by, {"before": before, "after": _values(rule)})


def remove_rule(rule: FraudRule, *, by: Actor) -> None:
    """Remove a rule: its currency has the default again, or none at all."""
    with transaction.atomic(using=PRIMARY):
        before = _found(rule)
        number = rule.pk
        rule.delete(using=PRIMARY)
        rule.pk = number
        _record("remove", rule, by, {"before": before, "after": None})


def _found(rule: FraudRule) -> dict[str, Any] | None:
    if rule.pk is None:
        return None
    found = FraudRule.objects.using(PRIMARY).select_for_update().filter(pk=rule.pk).first()
    return None if found is None else _values(found)


def _values(rule: FraudRule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in _COLUMNS}


def _record(verb: str, rule: FraudRule, by: Actor, detail: dict[str, Any]) -> None:
    audit.record(by, Act(f"fraudrule.{verb}", "fraud.fraudrule", str(rule.pk), detail=detail))
