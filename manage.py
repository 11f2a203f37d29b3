#!/usr/bin/env python
"""Run Django's and the project's own management commands."""

import os
import sys

ONLY_ASKS = {"help", "--help", "-h", "--version"}
"""Whoever wants to know what there is has no secrets at hand yet."""


def main() -> None:
    """Read the command line and run the command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wallet_project.settings")
    if len(sys.argv) < 2 or ONLY_ASKS & set(sys.argv[1:]):
        os.environ.setdefault("ALLOW_EPHEMERAL_SECRET_KEY", "yes")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
