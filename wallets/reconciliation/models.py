"""What was loaded, what has to be matched, and what was matched with what.

Facts (files, lines, matches, their ends, notes) are only ever inserted. `Item` is the one row that
moves: a line of a file or a posting of the books, and whether anything was found for it.
"""

from __future__ import annotations

from typing import ClassVar, Final

from django.db import models

from wallet_project.kit.append_only import AppendOnlyModel
from wallet_project.kit.fields import BinaryUUIDField, ByteTextField, DigestField

SUSPENSE: Final = "@suspense"
"""Stands where items of the suspense account have their channel; no channel can be called so."""


class Format(models.TextChoices):
    """How a file is written."""

    CSV = "CSV", "CSV"
    CAMT053 = "CAMT053", "camt.053"
    MT940 = "MT940", "MT940"


class Side(models.TextChoices):
    """Who says that money moved."""

    LINE = "LINE", "Bank"
    """A line of a file that was loaded."""
    POSTING = "POSTING", "Books"
    """A posting on a house account."""


class ItemStatus(models.TextChoices):
    """Where an item stands."""

    OPEN = "OPEN", "Open"
    ASKED = "ASKED", "Waits for approval"
    """Somebody has asked to post the difference between it and its counterpart."""
    MATCHED = "MATCHED", "Matched"


class RuleName(models.TextChoices):
    """Why items belong together, from the strictest reason to the weakest."""

    REFERENCE = "REFERENCE", "Reference and amount"
    WINDOW = "WINDOW", "Amount and date window"
    ONE_TO_MANY = "ONE_TO_MANY", "One line, many postings"
    MANY_TO_ONE = "MANY_TO_ONE", "Many lines, one posting"
    CLEARED = "CLEARED", "Cleared by reference"
    """Postings on suspense that cancel each other out."""
    BY_HAND = "BY_HAND", "By hand"
    DIFFERENCE = "DIFFERENCE", "Difference posted to suspense"


class ItemAct(models.TextChoices):
    """What staff do with an item that is left over."""

    ASSIGN = "ASSIGN", "Assigned"
    NOTE = "NOTE", "Note"


class ChannelSetup(models.Model):
    """How a client's files of a channel are read, and by which rules they are matched."""

    id = models.BigAutoField(primary_key=True)
    client = models.PositiveIntegerField()
    channel = ByteTextField(max_length=32)
    format = models.CharField(max_length=8, choices=Format)
    currency = models.CharField(max_length=3, blank=True, default="")
    """Of lines that name none."""
    mapping = models.JSONField(default=dict)
    """Of CSV: where each column is and how it is written; see `mapping.py`."""
    rules = models.JSONField(default=dict)
    """Which rules are applied, and how far they go; see `rules.py`."""
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=150)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["client", "channel"], name="channel_setup_once"),
        ]
        permissions: ClassVar = [("set_up_channel", "Can set up how a channel is reconciled")]

    def __str__(self) -> str:
        return f"{self.channel} of client {self.client}"


class Upload(models.Model):
    """A file that somebody looks at before it is loaded; gone when it was loaded, or after a day.

    It is no evidence yet, so it may be removed.
    """

    id = BinaryUUIDField(primary_key=True)
    client = models.PositiveIntegerField()
    channel = ByteTextField(max_length=32)
    name = models.CharField(max_length=200)
    packed = models.BinaryField()
    """The bytes, compressed by zlib."""
    made_at = models.DateTimeField(db_index=True)
    made_by = models.CharField(max_length=64)

    def __str__(self) -> str:
        return str(self.name)


class StatementFile(AppendOnlyModel):
    """A file that was loaded: the evidence for its lines."""

    id = BinaryUUIDField(primary_key=True)
    client = models.PositiveIntegerField()
    channel = ByteTextField(max_length=32)
    format = models.CharField(max_length=8, choices=Format)
    name = models.CharField(max_length=200)
    """As it was called where it came from."""
    digest = DigestField()
    """SHA-256 over the bytes."""
    size = models.PositiveIntegerField()
    """Bytes."""
    reading = models.JSONField()
    """The mapping by which it was read."""
    lines = models.PositiveIntegerField()
    """How many of its lines were new."""
    repeated = models.JSONField()
    """Numbers of lines that an earlier file, or the same one, had already; the first thousand."""
    repeats = models.PositiveIntegerField()
    """How many those are in all."""
    sums = models.JSONField()
    """By currency: lines, money in and out, and opening and closing balance where it names them;
    minor units as texts."""
    first_day = models.DateField()
    last_day = models.DateField()
    loaded_at = models.DateTimeField()
    loaded_by = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["client", "channel", "digest"], name="statement_file_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["client", "channel", "id"], name="file_by_channel"),
        ]
        permissions: ClassVar = [("load_file", "Can load files of banks and providers")]

    def __str__(self) -> str:
        return str(self.name)


class FileContent(AppendOnlyModel):
    """The bytes of a file, apart from it, so that lists do not read them."""

    file = models.OneToOneField(
        StatementFile,
        primary_key=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )
    packed = models.BinaryField()
    """Compressed by zlib."""

    def __str__(self) -> str:
        return f"content of {self.file_id}"


class StatementLine(AppendOnlyModel):
    """A line of a file as the bank or provider wrote it. Its item has the same id."""

    id = BinaryUUIDField(primary_key=True)
    file = models.ForeignKey(
        StatementFile, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    number = models.PositiveIntegerField()
    """Which line of the file, from 1."""
    client = models.PositiveIntegerField()
    channel = ByteTextField(max_length=32)
    external_reference = ByteTextField(max_length=128)
    """The bank's own name for the line; made of its words where it has none."""
    amount = models.BigIntegerField()
    """Minor units; above zero: money came in."""
    currency = models.CharField(max_length=3)
    booked_on = models.DateField()
    value_date = models.DateField()
    reference = models.CharField(max_length=255, blank=True, default="")
    """What the payer or we wrote, by which a posting can be found."""
    text = models.CharField(max_length=500, blank=True, default="")
    digest = DigestField()
    """SHA-256 over what it says: a line that comes again has to say the same."""

    class Meta:
        constraints: ClassVar = [
            # Across files: one line is never credited twice.
            models.UniqueConstraint(
                fields=["client", "channel", "external_reference"], name="statement_line_once"
            ),
        ]

    def __str__(self) -> str:
        return str(self.external_reference)


class Item(models.Model):
    """A line or a posting that has to have a counterpart."""

    id = BinaryUUIDField(primary_key=True)
    """A line's item has the line's id."""
    side = models.CharField(max_length=7, choices=Side)
    client = models.PositiveIntegerField()
    channel = ByteTextField(max_length=32)
    """The payment rail; `@suspense` for postings on the suspense account."""
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    """Minor units, as the bank sees it: above zero, money came in. On suspense: credit positive."""
    day = models.DateField()
    """The value date."""
    reference = models.CharField(max_length=255, blank=True, default="")
    posting = models.BigIntegerField(null=True, unique=True)
    """Of the books: the posting's id. One posting is one item."""
    entry = BinaryUUIDField(null=True)
    """Of the books: the posting's journal entry."""
    status = models.CharField(max_length=7, choices=ItemStatus, default=ItemStatus.OPEN)
    turn = models.PositiveIntegerField(default=0)
    """How often a match of it was ended."""
    difference = BinaryUUIDField(null=True)
    """While it waits for approval: the request to post the difference it is a part of."""
    owner = models.CharField(max_length=150, blank=True, default="")
    """Who of staff looks after it."""
    due_on = models.DateField(null=True)
    """By when."""
    made_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["client", "channel", "status", "side", "id"], name="item_of_channel"
            ),
            models.Index(fields=["status", "id"], name="item_by_status"),
            models.Index(fields=["channel", "status", "day"], name="item_by_age"),
        ]
        permissions: ClassVar = [
            ("work_item", "Can work what is left over, and match it by hand"),
            ("request_difference", "Can ask to post a difference to suspense"),
            ("approve_difference", "Can approve posting a difference to suspense"),
        ]

    def __str__(self) -> str:
        return f"{self.get_side_display()} {self.reference or self.pk}"


class ItemNote(AppendOnlyModel):
    """What staff did about an item that was left over."""

    id = models.BigAutoField(primary_key=True)
    item = models.ForeignKey(
        Item, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    act = models.CharField(max_length=6, choices=ItemAct)
    text = models.CharField(max_length=500, blank=True, default="")
    owner = models.CharField(max_length=150, blank=True, default="")
    due_on = models.DateField(null=True)
    at = models.DateTimeField()
    by = models.CharField(max_length=150)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["item", "id"], name="note_by_item")]

    def __str__(self) -> str:
        return f"{self.get_act_display()} by {self.by}"


class Match(AppendOnlyModel):
    """Lines and postings that say the same: their sums are equal."""

    id = BinaryUUIDField(primary_key=True)
    client = models.PositiveIntegerField()
    channel = ByteTextField(max_length=32)
    currency = models.CharField(max_length=3)
    rule = models.CharField(max_length=11, choices=RuleName)
    run = BinaryUUIDField(null=True)
    """The run that made it; NULL where a person did."""
    total = models.BigIntegerField()
    """Minor units: the sum of its lines, and of its postings."""
    evidence = models.JSONField()
    """What the rule went by."""
    reason = models.CharField(max_length=500, blank=True, default="")
    """Why, where a person made it."""
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "matches"
        indexes: ClassVar = [
            models.Index(fields=["client", "channel", "id"], name="match_of_channel"),
            models.Index(fields=["run", "id"], name="match_of_run"),
        ]
        permissions: ClassVar = [("end_match", "Can take a match apart again")]

    def __str__(self) -> str:
        return f"{self.get_rule_display()} {self.pk}"


class MatchPart(AppendOnlyModel):
    """An item's place in a match."""

    id = models.BigAutoField(primary_key=True)
    match = models.ForeignKey(
        Match, on_delete=models.DO_NOTHING, db_constraint=False, related_name="parts"
    )
    item = models.ForeignKey(
        Item, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    turn = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [
            # A turn is over when its match was ended: so no item is in two matches at once.
            models.UniqueConstraint(fields=["item", "turn"], name="matched_once"),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} in {self.match_id}"


class MatchEnd(AppendOnlyModel):
    """That a match was taken apart again, and why. The match stays to be read."""

    match = models.OneToOneField(
        Match,
        primary_key=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="ended",
    )
    reason = models.CharField(max_length=500)
    at = models.DateTimeField()
    by = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"end of {self.match_id}"


class Run(AppendOnlyModel):
    """That a channel was reconciled, and what came out."""

    id = BinaryUUIDField(primary_key=True)
    client = models.PositiveIntegerField()
    channel = ByteTextField(max_length=32)
    file = BinaryUUIDField(null=True)
    """The file that was loaded just before; NULL where none was."""
    result = models.JSONField()
    """Matches by rule, what is left on both sides, and sums by currency; see `results.py`."""
    leftovers = models.PositiveIntegerField()
    """Items without a counterpart, both sides."""
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    by = models.CharField(max_length=64)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["client", "channel", "id"], name="run_of_channel"),
        ]
        permissions: ClassVar = [("run_reconciliation", "Can run the reconciliation")]

    def __str__(self) -> str:
        return f"{self.channel}, {self.ended_at:%Y-%m-%d %H:%M:%S}"


class Progress(models.Model):
    """How far the postings of a house account were read."""

    code = ByteTextField(max_length=150, primary_key=True)
    """The account's."""
    upto = models.DateTimeField()
    """Postings older than this were all read."""

    def __str__(self) -> str:
        return str(self.code)
