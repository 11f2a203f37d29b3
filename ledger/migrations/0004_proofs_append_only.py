"""Make the database itself refuse to change what a proof of the books found."""

from pathlib import Path

from django.db import migrations

from wallet_project.kit.triggers import RunSqlFile


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_rollups")]

    operations = [RunSqlFile(str(Path(__file__).parent / "sql"), "proofs_append_only")]
