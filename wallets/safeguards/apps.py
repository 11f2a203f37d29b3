from django.apps import AppConfig


class SafeguardsConfig(AppConfig):
    """Stops all movements by a switch, and holds what leaves a wallet to its limits."""

    name = "wallets.safeguards"
    label = "safeguards"
    default_auto_field = "django.db.models.BigAutoField"
