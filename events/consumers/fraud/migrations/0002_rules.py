"""The rules that every installation starts with. They only ask for a look; staff sharpen them."""

from typing import Any

from django.db import migrations

DAY = 24 * 3600
RULES: dict[tuple[str, str], dict[str, Any]] = {
    ("RAPID_WITHDRAWALS", ""): {"withdrawals": 5, "window_seconds": 60},
    ("HIGH_VALUE", ""): {"amount": "10000"},
    ("HIGH_VALUE", "JPY"): {"amount": "1500000"},
    ("YOUNG_DRAIN", ""): {"age_seconds": DAY, "received": "1000", "percent": 90},
    ("YOUNG_DRAIN", "JPY"): {"age_seconds": DAY, "received": "150000", "percent": 90},
    ("CIRCULAR_TRANSFERS", ""): {
        "transfers_min": 3,
        "transfers_max": 5,
        "window_seconds": DAY,
        "amount": "1000",
        "percent": 80,
    },
    ("CIRCULAR_TRANSFERS", "JPY"): {
        "transfers_min": 3,
        "transfers_max": 5,
        "window_seconds": DAY,
        "amount": "150000",
        "percent": 80,
    },
    ("MANY_TO_ONE", ""): {"senders": 10, "window_seconds": 3600, "amount": "1000"},
    ("MANY_TO_ONE", "JPY"): {"senders": 10, "window_seconds": 3600, "amount": "150000"},
}


def insert(apps: Any, schema_editor: Any) -> None:
    rules = apps.get_model("fraud", "FraudRule").objects.using(schema_editor.connection.alias)
    for (rule, currency), thresholds in RULES.items():
        # What staff have set stays.
        rules.get_or_create(rule=rule, currency=currency, defaults={"thresholds": thresholds})


def remove(apps: Any, schema_editor: Any) -> None:
    rules = apps.get_model("fraud", "FraudRule").objects.using(schema_editor.connection.alias)
    for rule, currency in RULES:
        rules.filter(rule=rule, currency=currency).delete()


class Migration(migrations.Migration):
    dependencies = [("fraud", "0001_initial")]

    operations = [migrations.RunPython(insert, remove)]
