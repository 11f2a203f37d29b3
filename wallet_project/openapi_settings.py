"""What drf-spectacular writes above and around the description of the API."""

from __future__ import annotations

from typing import Any

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Wallet service",
    "DESCRIPTION": (
        "Balances, deposits, withdrawals and transfers on a double-entry, append-only ledger.\n\n"
        "Amounts are decimal strings. Every POST may be sent again with the same "
        "`Idempotency-Key`: it takes effect once. Errors are `application/problem+json`; their "
        "`type` leads to a page that says what to do."
    ),
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": True},
    # Not the one that names enumerations: the shapes name their few choices in place.
    "POSTPROCESSING_HOOKS": ["wallets.api.openapi.describe_limits"],
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SORT_OPERATIONS": False,
    "TAGS": [
        {"name": "Wallets", "description": "Open them, list them, keep notes on them."},
        {"name": "Movements", "description": "Money in, money out, money between wallets."},
        {"name": "Holds", "description": "Money set aside, then captured, voided or expired."},
        {"name": "Payouts", "description": "Money that a payment gateway pays to the outside."},
        {"name": "Balances", "description": "Now, and at any moment before."},
        {"name": "Notifications", "description": "What a wallet's holder is told, and where."},
        {"name": "Events", "description": "What happened, in the order of the log."},
        {"name": "Webhooks", "description": "Have servers of your own told what happens."},
        {
            "name": "Short dialect",
            "description": "The same money by names and numbers; wallets appear when credited.",
        },
    ],
}
