from django.apps import AppConfig


class ExportsConfig(AppConfig):
    """Statements that were issued, and files that are made in the background."""

    name = "wallets.exports"
    label = "exports"
    default_auto_field = "django.db.models.BigAutoField"
