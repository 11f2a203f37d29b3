"""Entry point of the Django processes: `gunicorn -k gthread wallet_project.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wallet_project.settings")

application = get_wsgi_application()
