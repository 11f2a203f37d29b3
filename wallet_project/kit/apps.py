from django.apps import AppConfig


class KitConfig(AppConfig):
    """Domain-free mechanisms; an app only because it has management commands and a heartbeat."""

    name = "wallet_project.kit"
    label = "kit"
    verbose_name = "Service"
