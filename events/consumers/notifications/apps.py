from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Tells customers what happened to their wallets, where they asked for it."""

    name = "events.consumers.notifications"
    label = "notifications"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell what is kept about people."""
        from events.consumers.notifications import personal  # noqa: F401 - it registers itself
