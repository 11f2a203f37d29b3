"""Make the five roles with their rights; make the database refuse to let a maker check."""

from pathlib import Path

from django.db import migrations

from wallet_project.back_office import roles
from wallet_project.kit.triggers import RunSqlFile


def make_roles(apps, schema_editor):
    roles.sync(schema_editor.connection.alias, apps=apps)


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RunPython(make_roles, migrations.RunPython.noop),
        RunSqlFile(str(Path(__file__).parent / "sql"), "maker_or_checker"),
    ]
