"""Make the database itself refuse to change a refusal."""

from pathlib import Path

from django.db import migrations

from wallet_project.kit.triggers import RunSqlFile


class Migration(migrations.Migration):
    dependencies = [("wallets", "0002_plans")]

    operations = [RunSqlFile(str(Path(__file__).parent / "sql"), "append_only")]
