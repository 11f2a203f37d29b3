from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Tells clients' own servers what happened to their wallets."""

    name = "events.consumers.webhooks"
    label = "webhooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have old deliveries archived."""
        from events.consumers.webhooks import archives  # noqa: F401 - it registers itself
