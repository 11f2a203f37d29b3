"""Settings of what the service connects to, and how; `settings.py` takes them all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from wallet_project import env
from wallet_project.kit import tls

BASE_DIR = Path(__file__).resolve().parent.parent
WALLET_HOME = Path(env.text("WALLET_HOME", str(BASE_DIR / "var"))).resolve()
"""Where the embedded service keeps its data."""

# --- Databases --------------------------------------------------------------------------------

DATABASE_TLS = tls.read(
    "DATABASE",
    mode=env.text("DATABASE_TLS"),
    ca=env.text("DATABASE_TLS_CA"),
    certificate=env.text("DATABASE_TLS_CERT"),
    key=env.text("DATABASE_TLS_KEY"),
)
"""For the primary and the replica alike, whoever calls them."""
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
    **tls.mysql_options(DATABASE_TLS),
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


def _login(name: str) -> dict[str, Any] | None:
    return _database(name, "") if env.text(name) else None


DATABASE_ERASER = _login("DATABASE_ERASER_URL")
"""The primary, as the user who may erase personal data; None: the application's user does."""
DATABASE_REAPER = _login("DATABASE_REAPER_URL")
"""The primary, as the user who removes what is past its time; None: the application's user does."""
DATABASE_READONLY = _login("DATABASE_READONLY_URL")
"""The primary, as the user of commands that only read; None: the application's user."""
DATABASE_ROUTERS = ["wallet_project.db_router.Router"]

# --- Kafka ------------------------------------------------------------------------------------

KAFKA_BOOTSTRAP_SERVERS = env.words("KAFKA_BOOTSTRAP_SERVERS")
"""Empty: events go to a local log file under WALLET_HOME."""
KAFKA_SECURITY_PROTOCOL = env.text("KAFKA_SECURITY_PROTOCOL", tls.PLAINTEXT)
KAFKA_TLS = tls.read(
    "KAFKA",
    mode=env.text("KAFKA_TLS"),
    ca=env.text("KAFKA_TLS_CA"),
    certificate=env.text("KAFKA_TLS_CERT"),
    key=env.text("KAFKA_TLS_KEY"),
    is_on=tls.is_tls_protocol(KAFKA_SECURITY_PROTOCOL),
)
KAFKA_CONNECTION = tls.kafka_options(
    KAFKA_SECURITY_PROTOCOL,
    KAFKA_TLS,
    mechanism=env.text("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512"),
    user=env.text("KAFKA_SASL_USER"),
    password=env.text("KAFKA_SASL_PASSWORD"),
)
"""What every client of Kafka is made with."""

# --- Redis and Celery -------------------------------------------------------------------------

REDIS_URL = env.text("REDIS_URL")
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", REDIS_URL or "filesystem://")
REDIS_TLS = tls.read(
    "REDIS",
    mode=env.text("REDIS_TLS"),
    ca=env.text("REDIS_TLS_CA"),
    certificate=env.text("REDIS_TLS_CERT"),
    key=env.text("REDIS_TLS_KEY"),
    is_on=tls.is_rediss(REDIS_URL) or tls.is_rediss(CELERY_BROKER_URL),
)
REDIS_URL = tls.redis_url(REDIS_URL, REDIS_TLS)
CELERY_BROKER_URL = tls.redis_url(CELERY_BROKER_URL, REDIS_TLS)
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
WORKER_SILENCE_SECONDS = env.number("WORKER_SILENCE_SECONDS", 20, least=1)
CELERY_BEAT_SCHEDULE_FILENAME = env.text(
    "CELERY_BEAT_SCHEDULE_FILE", str(_CELERY_HOME / "beat-schedule")
)
