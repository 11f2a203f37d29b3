"""The one table of the kit."""

from __future__ import annotations

from django.db import models


class Heartbeat(models.Model):
    """One row, written on the primary each second: on a replica it tells how old everything is."""

    id = models.SmallIntegerField(primary_key=True)
    beat_at = models.DateTimeField()
    """On the primary's clock."""

    def __str__(self) -> str:
        return self.beat_at.isoformat()
