from django.apps import AppConfig


class WalletsConfig(AppConfig):
    """The business: who may move what."""

    name = "wallets"
    default_auto_field = "django.db.models.BigAutoField"
