"""Make the database itself refuse to change which entry corrects which."""

from pathlib import Path

from django.db import migrations

from wallet_project.kit.triggers import RunSqlFile


class Migration(migrations.Migration):
    dependencies = [("ledger", "0009_corrections")]

    operations = [RunSqlFile(str(Path(__file__).parent / "sql"), "corrections_append_only")]
