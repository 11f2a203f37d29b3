from django.apps import AppConfig


class EventsConfig(AppConfig):
    """The messenger: outbox, relay, Kafka. Knows no wallet and no ledger."""

    name = "events"
    default_auto_field = "django.db.models.BigAutoField"
