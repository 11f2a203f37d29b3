from django.apps import AppConfig


class PeriodsConfig(AppConfig):
    """Months of the books that are closed, and sums over the books by value date and by day."""

    name = "ledger.periods"
    label = "periods"
    default_auto_field = "django.db.models.BigAutoField"
