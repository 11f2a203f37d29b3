from django.apps import AppConfig


class KitConfig(AppConfig):
    """Domain-free mechanisms; an app only because it has management commands and a heartbeat."""

    name = "wallet_project.kit"
    label = "kit"
    verbose_name = "Service"

    def ready(self) -> None:
        """Have `check --deploy` look at the ways to other servers."""
        from wallet_project.kit import checks  # noqa: F401 - they register themselves
