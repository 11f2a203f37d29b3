"""Settings of who may call and what protects answers; `settings.py` takes them all."""

from __future__ import annotations

from wallet_project import env
from wallets.tokens import rules as token_rules

# --- Tokens of an issuer ----------------------------------------------------------------------

TOKENS = token_rules.rules(
    issuer=env.text("JWT_ISSUER"),
    audience=env.text("JWT_AUDIENCE"),
    algorithm=env.text("JWT_ALGORITHM", "EdDSA"),
    client_claim=env.text("JWT_CLIENT_CLAIM", "client_id"),
    leeway_seconds=env.number("JWT_LEEWAY_SECONDS", 10),
    jwks_url=env.text("JWT_JWKS_URL"),
    jwks=env.text("JWT_JWKS"),
    kept_seconds=env.number("JWT_JWKS_KEPT_SECONDS", 3600, least=60),
)
"""Whose bearer tokens are believed beside API keys; None: nobody's."""

# --- Headers and passwords --------------------------------------------------------------------

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
