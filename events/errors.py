"""Every way the messenger turns something down."""

from wallet_project.kit.errors import Conflict, Invalid, NotFound, Refused, Unavailable


class BrokerUnavailable(Unavailable):
    """Kafka cannot be reached; events wait in the outbox."""

    code = "broker_unavailable"
    title = "The event broker cannot be reached"


class NothingToRelease(Refused):
    """No event of the stream waits for a decision."""

    code = "nothing_to_release"
    title = "Nothing is quarantined"


class Undecodable(Invalid):
    """A record says nothing that its consumer can read; trying again never helps."""

    code = "undecodable"
    title = "The record cannot be read"


class NoSuchConsumer(NotFound):
    """The table of consumers has no entry of that name."""

    code = "no_such_consumer"
    title = "There is no consumer of that name"


class InstanceTaken(Conflict):
    """Two processes read under one name; Kafka has shut the older one out."""

    code = "consumer_instance_taken"
    title = "Another process consumes under the same name"


class TopicMismatch(Conflict):
    """A topic exists with another shape; changing it would break the order of its keys."""

    code = "topic_mismatch"
    title = "A topic has another number of partitions"


class ArchiveNotReadable(Unavailable):
    """A file of the archive does not hold what was written to it; its rows stay in the database."""

    code = "archive_not_readable"
    title = "A file of the archive cannot be read"


class YoungerThanKept(Refused):
    """Rows are to leave that have not reached the end of their keeping time."""

    code = "younger_than_kept"
    title = "The rows are still to be kept"


class RegistryUnavailable(BrokerUnavailable):
    """The schema registry does not answer, or does not take a schema; events wait in the outbox."""

    code = "registry_unavailable"
    title = "The schema registry cannot be used"


class NoPlaceForReplay(Refused):
    """Events replayed to this topic would reach readers who do not know that they are repeats."""

    code = "no_place_for_replay"
    title = "Events cannot be replayed there"
