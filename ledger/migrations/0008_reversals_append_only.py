"""Make the database itself refuse to change which entry took back which."""

from pathlib import Path

from django.db import migrations

from wallet_project.kit.triggers import RunSqlFile


class Migration(migrations.Migration):
    dependencies = [("ledger", "0007_reversals")]

    operations = [RunSqlFile(str(Path(__file__).parent / "sql"), "reversals_append_only")]
