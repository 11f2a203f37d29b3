from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """Double entry: accounts, journal entries, postings. Knows no wallet and no event."""

    name = "ledger"
    verbose_name = "Books"
    default_auto_field = "django.db.models.BigAutoField"
