"""All settings, read from the environment. `.env.example` lists every variable."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from wallet_project import env
from wallet_project.kit import logs
from wallet_project.kit.group_commit import Bounds

BASE_DIR = Path(__file__).resolve().parent.parent
WALLET_HOME = Path(env.text("WALLET_HOME", str(BASE_DIR / "var"))).resolve()
"""Where the embedded service keeps its data."""

# --- Who we are -------------------------------------------------------------------------------

DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.text("SECRET_KEY")
if not SECRET_KEY:
    if not env.flag("ALLOW_EPHEMERAL_SECRET_KEY", default=False):
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. Set it, or SECRET_KEY_FILE, to at least 32 random characters; "
            "for a trial run set ALLOW_EPHEMERAL_SECRET_KEY=yes."
        )
    SECRET_KEY = secrets.token_urlsafe(48)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
OPEN_LOOPBACK = env.flag("OPEN_LOOPBACK", default=False)
"""Calls from this machine without a key are the demo client's."""
DEMO_CLIENT = "demo"
BEHIND_EDGE = env.flag("BEHIND_EDGE", default=False)
"""A proxy of ours stands in front and nobody can come past it: X-Forwarded-For tells the caller."""

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_prometheus",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "wallet_project.kit",
    "ledger",
    "events",
    "wallets",
]
MIDDLEWARE = [
    "wallet_project.kit.request_id.RequestIdMiddleware",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
ROOT_URLCONF = "wallet_project.urls"
WSGI_APPLICATION = "wallet_project.wsgi.application"
APPEND_SLASH = False
"""The API never redirects; the admin's own URLs end with a slash and say so."""
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Databases --------------------------------------------------------------------------------

_MYSQL_OPTIONS: dict[str, Any] = {
    "charset": "utf8mb4",
    "isolation_level": "read committed",
    "connect_timeout": 2,
    "read_timeout": 8,
    "write_timeout": 8,
    "init_command": (
        "SET SESSION sql_mode='STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
        "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', time_zone='+00:00', "
        "innodb_lock_wait_timeout=3"
    ),
}
_SQLITE_OPTIONS: dict[str, Any] = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 8,
    # recursive_triggers: else INSERT OR REPLACE walks through the append-only triggers.
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA recursive_triggers=ON"
    ),
}


def _database(name: str, default: str) -> dict[str, Any]:
    found = env.database(name, default)
    if found["ENGINE"] == "django.db.backends.mysql":
        found["ENGINE"] = "wallet_project.kit.mysql"
        found["OPTIONS"] = _MYSQL_OPTIONS | found.get("OPTIONS", {})
        found["CONN_MAX_AGE"] = 60
        found["CONN_HEALTH_CHECKS"] = True
    elif found["ENGINE"] == "django.db.backends.sqlite3":
        found["ENGINE"] = "wallet_project.kit.sqlite"
        found["OPTIONS"] = _SQLITE_OPTIONS | found.get("OPTIONS", {})
        found["CONN_MAX_AGE"] = None
    else:
        raise ImproperlyConfigured(f"{name} must be a mysql:// or sqlite:// URL.")
    return found


DATABASES = {"default": _database("DATABASE_URL", f"sqlite:///{WALLET_HOME / 'wallet.sqlite3'}")}
"""The primary, as the application's user: it can insert into the books and not change them."""
if env.text("DATABASE_OWNER_URL"):
    DATABASES["owner"] = _database("DATABASE_OWNER_URL", "")
    """The primary, as the user who owns the tables: migrations only."""
if env.text("DATABASE_REPLICA_URL"):
    DATABASES["replica"] = _database("DATABASE_REPLICA_URL", "")
    if DATABASES["replica"]["ENGINE"] == "wallet_project.kit.mysql":
        # Shorter than the primary's, which has to answer in the same request if this one hangs.
        DATABASES["replica"]["OPTIONS"] |= {"connect_timeout": 1, "read_timeout": 2}
DATABASE_ROUTERS = ["wallet_project.db_router.Router"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SILENCED_SYSTEM_CHECKS = [
    # MySQL before 8.0.16 has no CHECK: the guard in the UPDATE's WHERE holds the floor there.
    "models.W027",
]
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False
DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y-m-d H:i:s"
"""As people in finance compare them, and always UTC."""

# --- Money ------------------------------------------------------------------------------------

DEFAULT_CURRENCY = env.text("DEFAULT_CURRENCY", "USD")
GROUP_COMMIT = Bounds(
    queue_length=env.number("GROUP_COMMIT_QUEUE_LENGTH", 4096, least=1),
    queue_age_seconds=float(env.number("GROUP_COMMIT_QUEUE_AGE_SECONDS", 2, least=1)),
    list_length=env.number("GROUP_COMMIT_LIST_LENGTH", 512, least=1),
)
GROUP_COMMIT_SHARED = env.flag("GROUP_COMMIT", default=True)
"""Off: every movement has a transaction of its own, in the thread that asks for it."""
COMMAND_DEADLINE_SECONDS = 8.0
REQUEST_DEADLINE_SECONDS = 10.0
HOUSE_CHANNELS_MAX = 64
REFUSALS_KEPT_HOURS = 72
BODY_BYTES_MAX = 64 * 1024
BULK_BODY_BYTES_MAX = 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = BULK_BODY_BYTES_MAX
"""The largest of any route; the API holds each of its routes to its own limit."""

# --- Events -----------------------------------------------------------------------------------

KAFKA_BOOTSTRAP_SERVERS = env.words("KAFKA_BOOTSTRAP_SERVERS")
"""Empty: events go to a local log file under WALLET_HOME."""
KAFKA_TOPIC_PREFIX = env.text("KAFKA_TOPIC_PREFIX")
KAFKA_TOPIC_FACTS = f"{KAFKA_TOPIC_PREFIX}wallet.events.v1"
KAFKA_TOPIC_OPERATIONS = f"{KAFKA_TOPIC_PREFIX}wallet-operations"
KAFKA_TOPIC_DEAD_LETTERS = f"{KAFKA_TOPIC_PREFIX}wallet.dead-letters"
KAFKA_TOPIC_SEALS = f"{KAFKA_TOPIC_PREFIX}ledger.seals"
KAFKA_PARTITIONS = env.number("KAFKA_PARTITIONS", 12, least=1)
"""Set before the first start and never changed after: a wallet would move to another partition."""
KAFKA_REPLICATION = env.number("KAFKA_REPLICATION", 1, least=1)
KAFKA_RECORD_BYTES_MAX = env.number("KAFKA_RECORD_BYTES_MAX", 1024 * 1024, least=1024)
"""An event above this size cannot be sent; topics are made to take it."""
EVENT_ATTEMPTS_MAX = env.number("EVENT_ATTEMPTS_MAX", 3, least=1)
"""Tries before an event that cannot be sent as it is goes to quarantine."""
EVENT_LOG = WALLET_HOME / "events.jsonl"

# --- Redis and Celery -------------------------------------------------------------------------

REDIS_URL = env.text("REDIS_URL")
REDIS_KEY_PREFIX = env.text("REDIS_KEY_PREFIX")
"""Stands before the throttles' keys, where several services share a Redis."""
CACHES: dict[str, Any] = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {
            "SOCKET_TIMEOUT": 0.2,
            "SOCKET_CONNECT_TIMEOUT": 0.2,
            # Redis holds nothing that is not in the database: without it we are slower, not down.
            "IGNORE_EXCEPTIONS": True,
        },
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"

CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", REDIS_URL or "filesystem://")
_CELERY_HOME = WALLET_HOME / "celery"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    {
        "data_folder_in": str(_CELERY_HOME / "queue"),
        "data_folder_out": str(_CELERY_HOME / "queue"),
        "control_folder": str(_CELERY_HOME / "control"),
    }
    if CELERY_BROKER_URL.startswith("filesystem:")
    # A mute Redis must cost a second, not a minute; a task lost with its worker returns in 120 s.
    else {
        "socket_timeout": 5.0,
        "socket_connect_timeout": 0.5,
        "max_retries": 1,
        "visibility_timeout": 120,
    }
)
CELERY_VISIBILITY_TIMEOUT = 120
CELERY_BEAT_SCHEDULE_FILENAME = env.text(
    "CELERY_BEAT_SCHEDULE_FILE", str(_CELERY_HOME / "beat-schedule")
)

# --- Throttles -------------------------------------------------------------------------------

ADDRESS_REQUESTS_PER_MINUTE = env.number("ADDRESS_REQUESTS_PER_MINUTE", 600, least=1)
"""Calls that show no valid key, by the address at the other end. Clients' limits are plans."""

# --- HTTP -------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = env.text("STATIC_ROOT") or None
"""Where `collectstatic` has put the admin's files; empty: they are served from the packages."""
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
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
REST_FRAMEWORK: dict[str, Any] = {
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "DEFAULT_AUTHENTICATION_CLASSES": ["wallets.api.gates.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["wallets.api.gates.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    # Bodies are read by kit.strict_json and msgspec, never by DRF.
    "DEFAULT_PARSER_CLASSES": [],
    "DEFAULT_SCHEMA_CLASS": "wallets.api.openapi.Schema",
    "EXCEPTION_HANDLER": "wallet_project.exception_handler.handle",
}
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
        {"name": "Balances", "description": "Now, and at any moment before."},
        {
            "name": "Short dialect",
            "description": "The same money by names and numbers; wallets appear when credited.",
        },
    ],
}

# --- Watching ---------------------------------------------------------------------------------

LOGGING = logs.configuration(env.text("LOG_LEVEL", "INFO"))
HEALTH_DATABASE_SECONDS = env.number("HEALTH_DATABASE_SECONDS", 30, least=1)
HEALTH_REDIS_SECONDS = env.number("HEALTH_REDIS_SECONDS", 15, least=1)
HEALTH_KAFKA_SECONDS = env.number("HEALTH_KAFKA_SECONDS", 30, least=1)
"""How often a dependency is asked while it is well; one that is down is asked every 5 s."""
METRICS_NETWORKS = env.words("METRICS_NETWORKS", "127.0.0.0/8,::1/128")
"""Whose addresses may read /metrics; to others the page does not exist."""
PROMETHEUS_EXPORT_MIGRATIONS = False
PROMETHEUS_LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Wallet service",
    "SITE_HEADER": "Wallet service",
    "SITE_SUBHEADER": "Books, wallets, clients",
    "SITE_SYMBOL": "account_balance_wallet",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
}
