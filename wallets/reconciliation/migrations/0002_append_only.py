"""Make the database itself refuse to change files, lines, matches and what was decided."""

from pathlib import Path

from django.db import migrations

from wallet_project.kit.triggers import RunSqlFile


class Migration(migrations.Migration):
    dependencies = [("reconciliation", "0001_initial")]

    operations = [RunSqlFile(str(Path(__file__).parent / "sql"), "append_only")]
