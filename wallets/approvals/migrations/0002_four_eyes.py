"""Make the database itself refuse that anybody approves his own request, or changes one."""

from pathlib import Path

from django.db import migrations

from wallet_project.kit.triggers import RunSqlFile


class Migration(migrations.Migration):
    dependencies = [("approvals", "0001_initial")]

    operations = [RunSqlFile(str(Path(__file__).parent / "sql"), "four_eyes")]
