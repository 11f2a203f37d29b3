from django.apps import AppConfig


class EventsConfig(AppConfig):
    """The messenger: outbox, relay, Kafka. Knows no wallet and no ledger."""

    name = "events"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have the settings checked, and tell what is kept about people."""
        from events import checks, personal  # noqa: F401 - they register themselves
