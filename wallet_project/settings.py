"""All settings, read from the environment. `.env.example` lists every variable."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from events.consumers.webhooks import rules
from wallet_project import env
from wallet_project.admin_settings import *  # noqa: F403
from wallet_project.connection_settings import *  # noqa: F403
from wallet_project.connection_settings import BASE_DIR, WALLET_HOME
from wallet_project.export_settings import *  # noqa: F403
from wallet_project.kit import logs, storages
from wallet_project.kit.group_commit import Bounds
from wallet_project.openapi_settings import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS
from wallet_project.security_settings import *  # noqa: F403
from wallet_project.shedding_settings import *  # noqa: F403

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
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
"""Former keys: they still open sessions and the webhooks' secrets."""
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
OPEN_LOOPBACK = env.flag("OPEN_LOOPBACK", default=False)
"""Calls from this machine without a key are the demo client's."""
DEMO_CLIENT = "demo"
BEHIND_EDGE = env.flag("BEHIND_EDGE", default=False)
"""A proxy of ours stands in front and nobody can come past it: X-Forwarded-For tells the caller."""

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "wallet_project.back_office.apps.BackOfficeAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_prometheus",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "axes",
    "wallet_project.kit",
    "wallet_project.back_office.apps.BackOfficeConfig",
    "ledger",
    "ledger.periods",
    "events",
    "events.consumers.webhooks",
    "events.consumers.fraud",
    "events.consumers.notifications",
    "wallets",
    "wallets.exports",
    "wallets.approvals",
    *("wallets.safeguards", "wallets.reconciliation", "wallets.privacy"),
]
MIDDLEWARE = [
    "wallet_project.kit.request_id.RequestIdMiddleware",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "wallet_project.back_office.csp.ContentPolicy",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "wallet_project.back_office.sessions.SessionLimits",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "wallet_project.kit.request_metrics.RequestMetricsMiddleware",
    "wallet_project.shedding.Bulkheads",
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

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SILENCED_SYSTEM_CHECKS = [
    # MySQL before 8.0.16 has no CHECK: the guard in the UPDATE's WHERE holds the floor there.
    "models.W027",
    # TLS ends at the proxy in front, which redirects and says how long browsers shall insist on it;
    # see docs/security.md. The service speaks plain HTTP to it, and the API never redirects.
    "security.W004",
    "security.W008",
]
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False
FORMAT_MODULE_PATH = "wallet_project.formats"
"""Formats set here by their own names would lose against those of the language."""

# --- Money ------------------------------------------------------------------------------------

DEFAULT_CURRENCY = env.text("DEFAULT_CURRENCY", "USD")
GROUP_COMMIT = Bounds(
    queue_length=env.number("GROUP_COMMIT_QUEUE_LENGTH", 4096, least=1),
    queue_age_seconds=float(env.number("GROUP_COMMIT_QUEUE_AGE_SECONDS", 2, least=1)),
    list_length=env.number("GROUP_COMMIT_LIST_LENGTH", 512, least=1),
    patience_seconds=env.number("GROUP_COMMIT_PATIENCE_MILLISECONDS", 50, least=0) / 1000,
)
GROUP_COMMIT_SHARED = env.flag("GROUP_COMMIT", default=True)
"""Off: every movement has a transaction of its own, in the thread that asks for it."""
COMMAND_DEADLINE_SECONDS = 8.0
REQUEST_DEADLINE_SECONDS = 10.0
HOUSE_CHANNELS_MAX = 64
REFUSALS_KEPT_HOURS = 72
SNAPSHOT_POSTINGS = env.number("SNAPSHOT_POSTINGS", 200, least=1)
"""After how many postings a customer's account gets a new snapshot of its balance."""
BODY_BYTES_MAX = 64 * 1024
BULK_BODY_BYTES_MAX = 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = BULK_BODY_BYTES_MAX
"""The largest of any route; the API holds each of its routes to its own limit."""

# --- Payouts ----------------------------------------------------------------------------------

PAYOUT_GATEWAY_URL = env.text("PAYOUT_GATEWAY_URL")
"""Empty: payouts are turned away."""
PAYOUT_GATEWAY_TOKEN = env.text("PAYOUT_GATEWAY_TOKEN")
PAYOUT_GATEWAY_TIMEOUT_SECONDS = env.number("PAYOUT_GATEWAY_TIMEOUT_SECONDS", 5, least=1)
PAYOUT_RETRY_SECONDS = env.number("PAYOUT_RETRY_SECONDS", 2, least=1)
PAYOUT_RETRY_MAX_SECONDS = env.number("PAYOUT_RETRY_MAX_SECONDS", 300, least=1)
"""A payout that waits for the gateway is tried again after the one, then twice as long, up to the
other."""

# --- Events -----------------------------------------------------------------------------------

KAFKA_TOPIC_PREFIX = env.text("KAFKA_TOPIC_PREFIX")
KAFKA_TOPIC_FACTS = f"{KAFKA_TOPIC_PREFIX}wallet.events.v1"
KAFKA_TOPIC_OPERATIONS = f"{KAFKA_TOPIC_PREFIX}wallet-operations"
KAFKA_TOPIC_DEAD_LETTERS = f"{KAFKA_TOPIC_PREFIX}wallet.dead-letters"
KAFKA_TOPIC_SEALS = f"{KAFKA_TOPIC_PREFIX}ledger.seals"
KAFKA_TOPIC_FRAUD_ALERTS = f"{KAFKA_TOPIC_PREFIX}fraud.alerts.v1"
KAFKA_TOPIC_WEBHOOKS = f"{KAFKA_TOPIC_PREFIX}webhook.events.v1"
KAFKA_TOPIC_PAYOUTS = f"{KAFKA_TOPIC_PREFIX}payout.events.v1"
KAFKA_PARTITIONS = env.number("KAFKA_PARTITIONS", 12, least=1)
"""Set before the first start and never changed after: a wallet would move to another partition."""
KAFKA_REPLICATION = env.number("KAFKA_REPLICATION", 1, least=1)
KAFKA_RECORD_BYTES_MAX = env.number("KAFKA_RECORD_BYTES_MAX", 1024 * 1024, least=1024)
"""An event above this size cannot be sent; topics are made to take it."""
EVENT_ATTEMPTS_MAX = env.number("EVENT_ATTEMPTS_MAX", 3, least=1)
"""Tries before an event that cannot be sent as it is goes to quarantine."""
EVENT_LOG = WALLET_HOME / "events.jsonl"
KAFKA_FACTS_KEPT_DAYS = env.number("KAFKA_FACTS_KEPT_DAYS", 0)
"""0: for ever. Facts and seals; the topics are made with it."""
KAFKA_OTHERS_KEPT_DAYS = env.number("KAFKA_OTHERS_KEPT_DAYS", 7, least=1)
OUTBOX_KEPT_DAYS = env.number("OUTBOX_KEPT_DAYS", 90)
"""0: for ever, as with every retention below. What is older goes to the archive."""
INBOX_KEPT_DAYS = env.number("INBOX_KEPT_DAYS", 30)
"""Longer than the topics of a consumer, or his rows stay: a repeat must find them."""
OPERATIONS_KEPT_DAYS = env.number("OPERATIONS_KEPT_DAYS", 90)
WEBHOOK_KEPT_DAYS = env.number("WEBHOOK_KEPT_DAYS", 30)
SCHEMA_REGISTRY_URL = env.text("SCHEMA_REGISTRY_URL")
"""Set: facts travel as Avro with Confluent's framing; empty: as JSON."""
SCHEMA_REGISTRY_SUBJECTS = env.text("SCHEMA_REGISTRY_SUBJECTS", "topic-record")
SCHEMA_REGISTRY_SECONDS = env.number("SCHEMA_REGISTRY_SECONDS", 5, least=1)
OPERATIONS_BATCH = env.number("OPERATIONS_BATCH", 1_000, least=1)
"""How many accepted operations the worker takes at a time, at most."""
OPERATIONS_COLLECT_MS = env.number("OPERATIONS_COLLECT_MS", 100)
"""How long it waits for a batch to fill up."""
OPERATION_RECOVERY_SECONDS = env.number("OPERATION_RECOVERY_SECONDS", 60, least=1)
"""An operation that waits for longer is applied without Kafka."""
EVENT_CONSUMERS = "wallet_project.consumers.CONSUMERS"
"""Who is told of events inside the service: names and consumers."""
CONSUMER_ATTEMPTS_MAX = env.number("CONSUMER_ATTEMPTS_MAX", 5, least=1)
"""Tries before an event that its consumer cannot handle becomes a dead letter."""
CONSUMER_RETRY_MS = env.number("CONSUMER_RETRY_MS", 500, least=1)
"""The first pause between them; each is twice as long as the one before, 5 s at most."""
CONSUMER_INSTANCE = env.text("CONSUMER_INSTANCE")
CONSUMER_SESSION_SECONDS = env.number("CONSUMER_SESSION_SECONDS", 30, least=6)
"""How long Kafka waits for a process that is silent before others get its partitions."""

# --- Fraud --------------------------------------------------------------------------------------

FRAUD_ALERT_ADDRESSES = env.words("FRAUD_ALERT_ADDRESSES")
"""Who is mailed about fraud alerts; empty: nobody."""
LEDGER_ALERT_ADDRESSES = env.words("LEDGER_ALERT_ADDRESSES")
"""Who is mailed about wallets that disagree with the books; empty: nobody."""
FRAUD_KEPT_DAYS = env.number("FRAUD_KEPT_DAYS", 30, least=8)
"""How long movements are remembered; longer than any rule's window (`thresholds.py`)."""

# --- Webhooks, mail and notifications ---------------------------------------------------------

WEBHOOKS = rules.rules(
    retries=env.words("WEBHOOK_RETRIES", "5,300,1800,7200,18000,36000,50400,72000,86400"),
    connect_seconds=env.number("WEBHOOK_CONNECT_SECONDS", 3, least=1),
    total_seconds=env.number("WEBHOOK_TOTAL_SECONDS", 10, least=1),
    lease_seconds=env.number("WEBHOOK_LEASE_SECONDS", 30, least=1),
    concurrency=env.number("WEBHOOK_CONCURRENCY", 200, least=1),
    endpoint_concurrency=env.number("WEBHOOK_ENDPOINT_CONCURRENCY", 5, least=1),
    overlap_seconds=env.number("WEBHOOK_SECRET_OVERLAP_SECONDS", 24 * 3600),
    disable_after_seconds=env.number("WEBHOOK_DISABLE_AFTER_SECONDS", 5 * 24 * 3600),
    disable_after_failures=env.number("WEBHOOK_DISABLE_AFTER_FAILURES", 10, least=1),
    endpoints_max=env.number("WEBHOOK_ENDPOINTS_MAX", 100, least=1),
    allow_http=env.flag("WEBHOOK_ALLOW_HTTP", default=False),
    ports=env.words("WEBHOOK_PORTS", "443,8443"),
    networks=env.words("WEBHOOK_NETWORKS"),
)
_MAIL = env.mail("EMAIL_URL", "dummymail://")
EMAIL_BACKEND = _MAIL["EMAIL_BACKEND"]
EMAIL_HOST = _MAIL["EMAIL_HOST"]
EMAIL_PORT = _MAIL["EMAIL_PORT"]
EMAIL_HOST_USER = _MAIL["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = _MAIL["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = _MAIL.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _MAIL.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH = _MAIL["EMAIL_FILE_PATH"]
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM", "wallet@localhost")
MAIL_DOMAIN = DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip("> ")
"""Ends the ids of our mails, which are the same at every try."""
NOTIFICATION_CHANNELS = {
    name: path
    for name, path in {
        "mail": "events.consumers.notifications.channels.Mail",
        "sms": env.text("NOTIFICATION_SMS"),
        "push": env.text("NOTIFICATION_PUSH"),
    }.items()
    if path
}
"""The class that serves each channel; one without a class is not offered."""
NOTIFICATIONS_KEPT_DAYS = env.number("NOTIFICATIONS_KEPT_DAYS", 90, least=1)

# --- HTTP -------------------------------------------------------------------------------------

EXPORTS_FOLDER = Path(env.text("EXPORTS_FOLDER", str(WALLET_HOME / "exports")))
STORAGES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "archive": storages.archive(
        folder=env.text("ARCHIVE_FOLDER", str(WALLET_HOME / "archive")),
        bucket=env.text("ARCHIVE_S3_BUCKET"),
        prefix=env.text("ARCHIVE_S3_PREFIX"),
    ),
    "exports": exports_storage(EXPORTS_FOLDER),  # noqa: F405
}
STATIC_URL = "static/"
STATIC_ROOT = env.text("STATIC_ROOT") or None
"""Where `collectstatic` has put the admin's files; empty: they are served from the packages."""
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
REST_FRAMEWORK: dict[str, Any] = {
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "DEFAULT_AUTHENTICATION_CLASSES": ["wallets.api.gates.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["wallets.api.gates.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [],  # bodies are read by kit.strict_json and msgspec, never by DRF
    "DEFAULT_SCHEMA_CLASS": "wallets.api.openapi.Schema",
    "EXCEPTION_HANDLER": "wallet_project.exception_handler.handle",
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
CLIENT_NAMES = "wallets.client_names.by_number"
CLIENT_CHOICES = "wallets.client_names.choices"
CLIENT_NUMBER = "wallets.client_names.number_of"
"""Tells the pages of the books the names of clients, whose numbers are all that the books know."""
ASK_FOR_REOPENING = "wallets.reopening.ask"
"""What the page of a client's months calls to ask for a second person."""
