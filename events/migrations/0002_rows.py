from __future__ import annotations

from datetime import UTC, datetime

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SHARDS = 16
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def insert_rows(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    database = schema_editor.connection.alias
    lease, counter = apps.get_model("events", "ShardLease"), apps.get_model("events", "EventCounter")
    lease.objects.using(database).bulk_create(
        [lease(shard=shard, expires_at=LONG_AGO) for shard in range(SHARDS)]
    )
    counter.objects.using(database).create(pk=1)


def remove_rows(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for name in ("ShardLease", "EventCounter"):
        apps.get_model("events", name).objects.using(schema_editor.connection.alias).all().delete()


class Migration(migrations.Migration):
    """The rows that the relay takes its turns with: one lease a shard, one counter."""

    dependencies = [("events", "0001_initial")]
    operations = [migrations.RunPython(insert_rows, remove_rows)]
