"""The tables of the kit."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from wallet_project.kit.append_only import AppendOnlyModel


class Heartbeat(models.Model):
    """One row, written on the primary each second: on a replica it tells how old everything is."""

    id = models.SmallIntegerField(primary_key=True)
    beat_at = models.DateTimeField()
    """On the primary's clock."""

    def __str__(self) -> str:
        return self.beat_at.isoformat()


class AuditRecord(AppendOnlyModel):
    """Something that a person or a command did in the back office, or looked at there."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=64)
    """`staff:<number>`, `command:<name>`, `task:<name>`."""
    actor_name = models.CharField(max_length=150, blank=True, default="")
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True, default="")
    action = models.CharField(max_length=64)
    """`wallet.freeze`, `wallet.view`."""
    subject_type = models.CharField(max_length=64)
    subject = models.CharField(max_length=64, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")
    detail = models.JSONField(default=dict)

    class Meta:
        db_table = "kit_audit_record"
        indexes: ClassVar = [
            models.Index(fields=["subject_type", "subject", "id"], name="audit_by_subject"),
            models.Index(fields=["actor", "id"], name="audit_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"
