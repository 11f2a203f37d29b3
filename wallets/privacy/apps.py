from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    """Keeps for ever that personal data was erased or exported, without the data."""

    name = "wallets.privacy"
    label = "privacy"
    default_auto_field = "django.db.models.BigAutoField"
