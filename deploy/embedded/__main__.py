"""`python -m deploy.embedded`: what `make run` does."""

from __future__ import annotations

import os
import sys

from deploy.starter import web
from deploy.starter.greeting import Greeting
from deploy.starter.home import Home, home_from_environment
from deploy.starter.service import Service
from deploy.starter.supervisor import Supervisor, end_with_a_sentence, say

# Left in the shell by other work, these would lead to a real database or broker.
_OF_OTHERS = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "DATABASE_REPLICA_URL",
    *("DATABASE_ERASER_URL", "DATABASE_REAPER_URL", "DATABASE_READONLY_URL"),
    "REDIS_URL",
    "KAFKA_BOOTSTRAP_SERVERS",
    "CELERY_BROKER_URL",
    "CELERY_BEAT_SCHEDULE_FILE",
    "SECRET_KEY",
)


def environment_of(home: Home, port: int) -> dict[str, str]:
    """Make the environment of every process."""
    kept = {name: value for name, value in os.environ.items() if name not in _OF_OTHERS}
    return kept | {
        "DJANGO_SETTINGS_MODULE": "wallet_project.settings",
        "WALLET_HOME": str(home.root),
        "SECRET_KEY_FILE": str(home.secret_key_file),
        "PROMETHEUS_MULTIPROC_DIR": str(home.metrics),
        "BIND_HOST": "127.0.0.1",
        "PORT": str(port),
        # SQLite has one writer at a time: more processes would only queue in front of its lock.
        "LANE_PROCESSES": "1",
        "WEB_THREADS": "32",
        "OPEN_LOOPBACK": "yes",
        # Receivers to try webhooks with listen on this machine.
        "WEBHOOK_ALLOW_HTTP": "yes",
        "WEBHOOK_NETWORKS": "127.0.0.0/8,::1/128",
        "WEBHOOK_PORTS": "",
        # The greeting names an address on this machine, without TLS.
        "ADMIN_COOKIES_SECURE": "no",
        "PYTHONUNBUFFERED": "1",
    }


def run() -> None:
    """Start everything, greet, and look after it until somebody stops it.

    :raises StartError: when it cannot be started.
    :raises Stopped: when a signal asks for the end.
    """
    home = home_from_environment("var")
    os.umask(0o077)  # data and logs are the owner's alone
    claim = home.lock()
    port = web.port_from_environment()
    home.prepare()
    with Supervisor(home.logs) as supervisor:
        service = Service(home, environment_of(home, port), supervisor)
        say("Preparing the database.")
        service.manage("migrate", "migrate", "--no-input", "--verbosity", "0")
        key = service.admit_demo_client()
        service.admit_staff()
        say("Starting web, worker, beat, consumers, webhooks and exports.")
        service.start_lane()
        service.start_worker()
        service.start_beat()
        service.start_consumers()
        service.start_webhooks()
        service.start_exports()
        web.wait_ready(supervisor, port)
        demo = web.make_demo_wallets(home, port, key)
        print(Greeting(home, port, demo, needs_key=False).text(), flush=True)
        supervisor.watch()
    os.close(claim)


if __name__ == "__main__":
    sys.exit(end_with_a_sentence(run))
