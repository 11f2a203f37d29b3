"""What the settings must not say: told at every start, before anything runs."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.core.checks import Error, register

from events.registry import SUBJECTS

INBOX: Final = "events.E001"
SUBJECT: Final = "events.E002"


@register()
def inbox_outlives_topics(**_: Any) -> list[Error]:
    """Refuse an inbox that forgets events which a topic may bring again."""
    kept: int = settings.INBOX_KEPT_DAYS
    if not kept:
        return []
    days = {
        "KAFKA_FACTS_KEPT_DAYS": settings.KAFKA_FACTS_KEPT_DAYS,
        "KAFKA_OTHERS_KEPT_DAYS": settings.KAFKA_OTHERS_KEPT_DAYS,
    }
    return [
        Error(
            f"INBOX_KEPT_DAYS is {kept} and {name} is {topic}: a consumer that reads a topic again "
            "would act twice on what its inbox has forgotten.",
            hint=f"Set INBOX_KEPT_DAYS above {topic}; rows for topics kept for ever always stay.",
            id=INBOX,
        )
        for name, topic in days.items()
        if topic >= kept
    ]


@register()
def subjects_are_known(**_: Any) -> list[Error]:
    """Refuse a way to name schemas that nobody knows."""
    if settings.SCHEMA_REGISTRY_SUBJECTS in SUBJECTS:
        return []
    return [
        Error(f"SCHEMA_REGISTRY_SUBJECTS must be one of {', '.join(sorted(SUBJECTS))}.", id=SUBJECT)
    ]
