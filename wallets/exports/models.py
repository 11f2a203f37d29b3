"""Statements that were issued, exports that are made, and who gets a statement each month."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from wallet_project.kit.append_only import AppendOnlyModel
from wallet_project.kit.fields import BinaryUUIDField, DigestField, WideIntegerField
from wallets.models import Client


class Kind(models.TextChoices):
    """What an export holds."""

    STATEMENT = "statement", "Statement"
    TRANSACTIONS = "transactions", "Transactions"


class Format(models.TextChoices):
    """How it is written."""

    JSON = "json", "JSON"
    CSV = "csv", "CSV"
    XLSX = "xlsx", "Excel (XLSX)"
    PDF = "pdf", "PDF"
    CAMT053 = "camt053", "camt.053"


class ExportStatus(models.TextChoices):
    """Where an export stands."""

    PENDING = "PENDING", "Waiting"
    RUNNING = "RUNNING", "Running"
    DONE = "DONE", "Done"
    FAILED = "FAILED", "Failed"
    CANCELLED = "CANCELLED", "Cancelled"
    EXPIRED = "EXPIRED", "Expired"


class IssuedStatement(AppendOnlyModel):
    """What a wallet's statement said when it was issued; amounts in minor units. Never changed."""

    id = BinaryUUIDField(primary_key=True)
    """UUIDv7: the statement's number, which every format prints."""
    identity = DigestField(unique=True)
    """SHA-256 over wallet, time and sequences: the same is issued once."""
    wallet = BinaryUUIDField()
    client = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    since = models.DateTimeField(null=True)
    """The first moment it covers; NULL: the wallet's beginning."""
    before = models.DateTimeField(null=True)
    """The first moment it does not cover any more; NULL: it has all there was."""
    first = models.BigIntegerField()
    last = models.BigIntegerField()
    """Posting sequences; `last` is one below `first` where it has no line."""
    opening = models.BigIntegerField()
    closing = models.BigIntegerField()
    credits = WideIntegerField()
    debits = WideIntegerField()
    sha256 = DigestField()
    """What `ledger/statement_verifier.py` makes of it."""
    issued_at = models.DateTimeField()
    issued_by = models.CharField(max_length=64)

    class Meta:
        verbose_name = "statement"
        indexes: ClassVar = [
            models.Index(fields=["wallet", "id"], name="statement_by_wallet"),
            models.Index(fields=["client", "id"], name="statement_by_client"),
        ]
        permissions: ClassVar = [("verify_issuedstatement", "Can verify statements")]

    def __str__(self) -> str:
        return f"statement {self.pk}"

    @property
    def lines(self) -> int:
        """Count its lines."""
        return max(self.last - self.first + 1, 0)


class ExportJob(models.Model):
    """A file that is made in the background, a slice of lines at a time.

    Whoever works on it holds its lease; what is done stands in the row, so that another worker
    goes on where a killed one was.
    """

    id = BinaryUUIDField(primary_key=True)
    client = models.PositiveIntegerField()
    """Whose wallet it is."""
    for_client = models.BooleanField()
    """Whether the client may fetch it; what staff have asked for is theirs."""
    wallet = BinaryUUIDField()
    kind = models.CharField(max_length=12, choices=Kind)
    format = models.CharField(max_length=7, choices=Format)
    since = models.DateTimeField(null=True)
    before = models.DateTimeField(null=True)
    first = models.BigIntegerField()
    last = models.BigIntegerField()
    opening = models.BigIntegerField()
    closing = models.BigIntegerField()
    """The range as it was when the export was asked for; later movements are not in it."""
    status = models.CharField(max_length=9, choices=ExportStatus, default=ExportStatus.PENDING)
    requested_by = models.CharField(max_length=64)
    reason = models.CharField(max_length=500, default="", blank=True)
    idempotency_key = DigestField(null=True, unique=True)
    request_hash = DigestField(null=True)
    statement = BinaryUUIDField(null=True)
    """The number of its statement, once that is issued."""
    proven = models.BigIntegerField(default=0)
    """Lines that went into the hash of a statement that is not issued yet."""
    proof = models.JSONField(null=True)
    """That statement as far as it has come: number, time, link of the chain, sums."""
    written = models.BigIntegerField(default=0)
    """Lines that stand in the part."""
    part = models.CharField(max_length=100, default="")
    """The unfinished file, in the folder of its worker."""
    part_bytes = models.BigIntegerField(default=0)
    file = models.CharField(max_length=200, default="")
    """The finished one, by its name in the storage."""
    sha256 = DigestField(null=True)
    """Of the file."""
    size = models.BigIntegerField(default=0)
    """Bytes."""
    attempts = models.PositiveSmallIntegerField(default=0)
    """How often it was begun since it last came forward."""
    error = models.CharField(max_length=500, default="")
    holder = models.CharField(max_length=64, default="")
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    """When the file is removed."""

    class Meta:
        verbose_name = "export"
        indexes: ClassVar = [
            models.Index(fields=["status", "id"], name="export_by_status"),
            models.Index(fields=["client", "id"], name="export_by_client"),
            models.Index(fields=["status", "expires_at"], name="export_by_expiry"),
        ]
        permissions: ClassVar = [
            ("request_exportjob", "Can ask for exports, cancel and retry them"),
            ("download_exportjob", "Can download the files of exports"),
        ]

    def __str__(self) -> str:
        return f"export {self.pk}"

    @property
    def lines(self) -> int:
        """Count the lines it will have."""
        return max(self.last - self.first + 1, 0)


class MonthlyStatements(models.Model):
    """A client whose wallets get a statement of every month, in one format."""

    client = models.ForeignKey(
        Client, on_delete=models.PROTECT, db_constraint=False, related_name="+"
    )
    format = models.CharField(max_length=7, choices=Format)
    is_active = models.BooleanField(default=True)
    month = models.DateField()
    """The first day of the month that is worked on next."""
    since = models.DateTimeField(null=True)
    """Where its statements begin: where those of the month before ended, also if the client's time
    zone was changed meanwhile. NULL: with the month, none was made before."""
    before = models.DateTimeField(null=True)
    """Where they end, the same for all wallets; NULL: the month is not over yet."""
    last_wallet = BinaryUUIDField(null=True)
    """Every wallet of the client up to this id has its statement of that month."""

    class Meta:
        verbose_name = "monthly statements"
        verbose_name_plural = "monthly statements"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["client", "format"], name="monthly_by_client_format")
        ]
        permissions: ClassVar = [("manage_monthlystatements", "Can switch monthly statements")]

    def __str__(self) -> str:
        return f"{self.client} as {self.format}"
