"""The back office as Django apps: its own tables and pages, and the site that shows every model."""

import logging

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class BackOfficeConfig(AppConfig):
    """Staff, their roles, how they sign in, and the pages that belong to no single app."""

    name = "wallet_project.back_office"
    label = "back_office"

    def ready(self) -> None:
        """Listen to what Django and axes tell of logins by signals alone."""
        from wallet_project.back_office import login_events

        login_events.listen()
        # It tells of each login in four lines, all of which stand in the audit log.
        logging.getLogger("axes").setLevel(logging.WARNING)


class BackOfficeAdminConfig(admin_apps.AdminConfig):
    """Takes the place of `django.contrib.admin`, so that `@admin.register` means our site."""

    default = False
    default_site = "wallet_project.back_office.site.BackOfficeSite"
