"""Make the database itself refuse changes to seals."""

from pathlib import Path

from django.db import migrations

from wallet_project.kit.triggers import RunSqlFile


class Migration(migrations.Migration):
    dependencies = [("ledger", "0005_seals")]

    operations = [RunSqlFile(str(Path(__file__).parent / "sql"), "seals")]
