"""Composition root: settings, URLs, Celery, health. Nobody imports it, except `kit`."""

from wallet_project.celery import app as celery_app

__all__ = ["celery_app"]
