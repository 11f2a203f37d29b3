"""The plans that every installation starts with."""

from typing import Any

from django.db import migrations

PLANS = {
    "default": (100, 10),
    "demo": (100_000, 100_000),
    "unlimited": (None, None),
}


def insert(apps: Any, schema_editor: Any) -> None:
    plans = apps.get_model("wallets", "Plan").objects.using(schema_editor.connection.alias)
    for name, (requests, withdrawals) in PLANS.items():
        # What an operator has set stays.
        plans.get_or_create(
            name=name,
            defaults={
                "requests_per_minute": requests,
                "withdrawals_per_minute": withdrawals,
            },
        )


def remove_unused(apps: Any, schema_editor: Any) -> None:
    plans = apps.get_model("wallets", "Plan").objects.using(schema_editor.connection.alias)
    plans.filter(name__in=PLANS, clients=None).delete()


class Migration(migrations.Migration):
    dependencies = [("wallets", "0001_initial")]

    operations = [migrations.RunPython(insert, remove_unused)]
