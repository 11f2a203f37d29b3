from django.apps import AppConfig


class FraudConfig(AppConfig):
    """Watches facts for patterns of fraud and keeps what staff decide about them."""

    name = "events.consumers.fraud"
    label = "fraud"
    verbose_name = "Risk"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell what is kept about people."""
        from events.consumers.fraud import personal  # noqa: F401 - it registers itself
