"""How long the inbox must remember: longer than a record can come again."""

from __future__ import annotations

from django.conf import settings

from events.consumer import consumers


def kept_days(topic: str) -> int:
    """Tell how many days a topic keeps its records; 0: for ever, as the local log does."""
    if not settings.KAFKA_BOOTSTRAP_SERVERS:
        return 0
    for_ever = (settings.KAFKA_TOPIC_FACTS, settings.KAFKA_TOPIC_SEALS)
    days: int = (
        settings.KAFKA_FACTS_KEPT_DAYS if topic in for_ever else settings.KAFKA_OTHERS_KEPT_DAYS
    )
    return days


def forgetful_consumers() -> list[str]:
    """List the consumers whose old inbox rows nobody will need.

    A group whose offsets are lost, or set back by hand, reads again whatever its topics still
    hold. So rows may go once all topics of their consumer have forgotten the events, and where a
    topic keeps its records for ever they never go.
    """
    kept: int = settings.INBOX_KEPT_DAYS
    return [
        name
        for name, consumer in sorted(consumers().items())
        if all(0 < kept_days(topic) < kept for topic in consumer.topics)
    ]
