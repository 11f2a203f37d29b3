"""The outbox: what the world still has to be told, written together with the fact itself.

And the inbox: what consumers inside the service have seen, and what they could not handle.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from wallet_project.kit.database import PRIMARY
from wallet_project.kit.fields import BinaryUUIDField


class OutboxStatus(models.IntegerChoices):
    """Where an event stands on its way out."""

    PENDING = 0
    """Waiting for the relay."""
    PUBLISHED = 1
    """Acknowledged by the broker; has a position."""
    HELD = 2
    """Waits behind a quarantined event of its own stream, so that order is kept."""
    QUARANTINED = 3
    """Cannot be sent as it is (too large, not encodable). A person decides."""


class OutboxEvent(models.Model):
    """One event, its bytes frozen when the fact happened.

    Written while the stream's row is locked, so within a stream ids rise in the order of commits.
    Between streams they do not: never treat an id as a watermark.
    """

    id = models.BigAutoField(primary_key=True)
    event_id = BinaryUUIDField()
    """Unique because random; no index says so, for nobody looks an event up by it."""
    shard = models.SmallIntegerField()
    """crc32 of the stream modulo 16: one relay works on a shard at a time."""
    client = models.PositiveIntegerField()
    entry = BinaryUUIDField(null=True)
    """The journal entry the event tells of; NULL where no money moved."""
    topic = models.CharField(max_length=64)
    stream = BinaryUUIDField()
    """What the event is about, and the record's key: a wallet's id."""
    sequence = models.BigIntegerField(null=True)
    """Counts the stream's events from 1 without a gap; NULL on commands, which are not facts."""
    type = models.CharField(max_length=64)
    payload = models.BinaryField()
    occurred_at = models.DateTimeField()
    status = models.SmallIntegerField(choices=OutboxStatus, default=OutboxStatus.PENDING)
    attempts = models.SmallIntegerField(default=0)
    position = models.BigIntegerField(null=True)
    """Place in the log of all published events, given when the broker has acknowledged it.

    Rises in the order of commits and within a stream in its order; numbers may be left out.
    """
    published_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["stream", "sequence"], name="outbox_stream_sequence"),
        ]
        indexes: ClassVar = [
            # One index for two: first what waits (no position), by id within a status, so that a
            # chunk is read in order without a sort; behind it the log. Each costs every event a
            # fifth of its marking, on both servers.
            models.Index(fields=["position", "status", "id", "shard"], name="outbox_log"),
            # A client's own events in the order of the log, however many others there are.
            models.Index(fields=["client", "position"], name="outbox_by_client"),
        ]
        permissions: ClassVar = [("release_outboxevent", "Can release quarantined events")]

    def __str__(self) -> str:
        return f"{self.type} {self.stream}#{self.sequence}"


def waiting(*statuses: OutboxStatus) -> models.QuerySet[OutboxEvent]:
    """Find events that are not published, by the index that has them at its beginning."""
    rows = OutboxEvent.objects.using(PRIMARY)
    return rows.filter(position__isnull=True, status__in=statuses)


class Quarantined(models.Model):
    """Why an event was quarantined, until it is released; a table apart, for it is read seldom."""

    row = models.BigIntegerField(primary_key=True)
    """The event's row in the outbox."""
    reason = models.CharField(max_length=1000)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"outbox row {self.row}"


class ShardLease(models.Model):
    """Which relay works on a shard, until when, on the database's clock.

    A lease only keeps duplicates rare. Correctness never hangs on it: what the broker has
    acknowledged is a fact, whoever sent it.
    """

    shard = models.SmallIntegerField(primary_key=True)
    holder = models.CharField(max_length=64, default="")
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"shard {self.shard}"


class EventCounter(models.Model):
    """The one row that numbers published events."""

    id = models.SmallIntegerField(primary_key=True)
    last_position = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"position {self.last_position}"


class ConsumedEvent(models.Model):
    """The inbox: an event whose effect a consumer has, written in the transaction of the effect."""

    id = models.BigAutoField(primary_key=True)
    consumer = models.CharField(max_length=32)
    event_id = BinaryUUIDField()
    consumed_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["consumer", "event_id"], name="inbox_consumer_event"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["consumer", "consumed_at"], name="inbox_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.consumer}: {self.event_id}"


class LetterStatus(models.IntegerChoices):
    """Where a record stands that a consumer put aside."""

    DEAD = 0
    """Could not be handled. A person decides."""
    HELD = 1
    """Waits behind a dead letter of its own stream, so that order is kept."""
    REPLAYED = 2
    """Was handled after all."""
    DISCARDED = 3
    """Was given up by a person; its effect is missing."""


class DeadLetter(models.Model):
    """A record that a consumer put aside, as it was read, and where."""

    id = models.BigAutoField(primary_key=True)
    """Rises in the order of a stream's records."""
    consumer = models.CharField(max_length=32)
    status = models.SmallIntegerField(choices=LetterStatus)
    topic = models.CharField(max_length=128)
    partition = models.IntegerField()
    offset = models.BigIntegerField()
    stream = BinaryUUIDField(null=True)
    """The wallet that waits; NULL if not even the record's key could be read."""
    event_id = BinaryUUIDField(null=True)
    type = models.CharField(max_length=64, default="")
    client = models.PositiveIntegerField(default=0)
    key = models.BinaryField()
    value = models.BinaryField()
    headers = models.BinaryField()
    """A JSON list of pairs, the values in base64."""
    reason = models.CharField(max_length=1000)
    attempts = models.IntegerField(default=0)
    failed_at = models.DateTimeField()
    replayed_at = models.DateTimeField(null=True)

    class Meta:
        permissions: ClassVar = [
            ("replay_deadletter", "Can replay dead letter"),
            ("discard_deadletter", "Can discard dead letter"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["consumer", "stream", "status", "id"], name="dead_letter_stream"),
            models.Index(fields=["consumer", "event_id"], name="dead_letter_event"),
            models.Index(fields=["topic", "offset", "partition"], name="dead_letter_origin"),
            models.Index(fields=["status", "consumer", "id"], name="dead_letter_work"),
        ]

    def __str__(self) -> str:
        return f"{self.consumer}: {self.topic}/{self.partition}/{self.offset}"


class ArchivedFile(models.Model):
    """A file of the archive, noted in the transaction that removed its rows from their table."""

    name = models.CharField(max_length=255, unique=True)
    """Where it lies in the storage."""
    archive = models.CharField(max_length=32)
    """A key of `archive.ARCHIVES`."""
    row_count = models.IntegerField()
    fact_count = models.IntegerField(default=0)
    """How many of the rows were facts of the outbox; what remains there is counted with them."""
    last_position = models.BigIntegerField(null=True)
    """The highest position in it; NULL for rows that have none."""
    sha256 = models.CharField(max_length=64)
    """Of what is in it, before it was compressed."""
    archived_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["archive", "last_position"], name="archived_file_position"),
        ]

    def __str__(self) -> str:
        return str(self.name)


class LogPlace(models.Model):
    """How far a consumer has come in the local event log: what Kafka keeps for a group."""

    consumer = models.CharField(primary_key=True, max_length=32)
    offset = models.BigIntegerField(default=0)
    """The byte at which the first line begins that was not handled."""

    def __str__(self) -> str:
        return f"{self.consumer} at {self.offset}"
