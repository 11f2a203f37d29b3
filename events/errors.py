"""Every way the messenger turns something down."""

from wallet_project.kit.errors import Conflict, Refused, Unavailable


class BrokerUnavailable(Unavailable):
    """Kafka cannot be reached; events wait in the outbox."""

    code = "broker_unavailable"
    title = "The event broker cannot be reached"


class NothingToRelease(Refused):
    """No event of the stream waits for a decision."""

    code = "nothing_to_release"
    title = "Nothing is quarantined"


class TopicMismatch(Conflict):
    """A topic exists with another shape; changing it would break the order of its keys."""

    code = "topic_mismatch"
    title = "A topic has another number of partitions"
