"""Make the database itself refuse to change what staff did about an alert."""

from pathlib import Path

from django.db import migrations

from wallet_project.kit.triggers import RunSqlFile


class Migration(migrations.Migration):
    dependencies = [("fraud", "0002_rules")]

    operations = [RunSqlFile(str(Path(__file__).parent / "sql"), "append_only")]
