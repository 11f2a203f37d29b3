from django.apps import AppConfig


class WalletsConfig(AppConfig):
    """The business: who may move what."""

    name = "wallets"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have old operations archived, and tell what is kept about people."""
        from wallets import archives, personal  # noqa: F401 - they register themselves
