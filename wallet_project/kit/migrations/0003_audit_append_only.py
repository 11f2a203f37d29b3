"""Make the database itself refuse to change what was done in the back office."""

from pathlib import Path

from django.db import migrations

from wallet_project.kit.triggers import RunSqlFile


class Migration(migrations.Migration):
    dependencies = [("kit", "0002_audit")]

    operations = [RunSqlFile(str(Path(__file__).parent / "sql"), "append_only")]
