from django.apps import AppConfig


class ReconciliationConfig(AppConfig):
    """Loads statements of banks and payment providers and matches them with the books."""

    name = "wallets.reconciliation"
    label = "reconciliation"
    default_auto_field = "django.db.models.BigAutoField"
