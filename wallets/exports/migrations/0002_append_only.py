"""Make the database itself refuse to change a statement that was issued."""

from pathlib import Path

from django.db import migrations

from wallet_project.kit.triggers import RunSqlFile


class Migration(migrations.Migration):
    dependencies = [("exports", "0001_initial")]

    operations = [RunSqlFile(str(Path(__file__).parent / "sql"), "append_only")]
