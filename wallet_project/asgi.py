"""Entry point of the lane processes: `gunicorn -k asgi wallet_project.asgi`.

The hot routes are answered on the event loop; Django serves all other paths in threads. Under load
the two belong in processes of their own, with the edge in front; see docs/operations.md.
"""

from __future__ import annotations

import os
from typing import Any, cast

from a2wsgi import WSGIMiddleware
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wallet_project.settings")
_django = get_wsgi_application()

from wallet_project import env, exception_handler  # noqa: E402 - they need the settings
from wallets.api.express.application import Express  # noqa: E402
from wallets.api.express.asgi_http import Application  # noqa: E402


def _django_in_threads(environ: Any, start_response: Any) -> Any:
    # The body that a2wsgi hands over ends where the request ends, chunked or not.
    environ["wsgi.input_terminated"] = True
    return _django(environ, start_response)


application = Express(
    answer_of=exception_handler.answer_of,
    other=cast(
        Application,
        WSGIMiddleware(_django_in_threads, workers=env.number("WEB_THREADS", 32, least=1)),
    ),
)
