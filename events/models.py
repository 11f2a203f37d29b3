"""The outbox: what the world still has to be told, written together with the fact itself."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

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
    event_id = BinaryUUIDField(unique=True)
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
    position = models.BigIntegerField(null=True, unique=True)
    """Place in the log of all published events, given when the broker has acknowledged it.

    Rises in the order of commits and within a stream in its order; numbers may be left out.
    """
    published_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["stream", "sequence"], name="outbox_stream_sequence"),
        ]
        indexes: ClassVar = [
            # By id within a status: a chunk is read in order without a sort, long queue or short.
            models.Index(fields=["status", "id", "shard"], name="outbox_work"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.stream}#{self.sequence}"


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
