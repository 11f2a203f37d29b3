"""`python -m deploy.full`: what `make stack-run` does."""

from __future__ import annotations

import os
import sys

from deploy.stack.layout import default_home
from deploy.starter import web
from deploy.starter.errors import StartError
from deploy.starter.greeting import Greeting
from deploy.starter.home import Home, home_from_environment
from deploy.starter.service import Service
from deploy.starter.supervisor import Supervisor, end_with_a_sentence, say

_NEEDED = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS")
# Whoever owns the tables could change the books: no process that serves requests knows this.
_OWNER = "DATABASE_OWNER_URL"
# For commands that people give, and for the worker, who removes what is past its time.
_REAPER = "DATABASE_REAPER_URL"
_ROLES = ("DATABASE_ERASER_URL", _REAPER, "DATABASE_READONLY_URL")


def stack_environment() -> dict[str, str]:
    """Return the addresses of the parts: those in the environment, else those of the own stack.

    :raises StartError: when neither names them all.
    """
    found = dict(os.environ)
    file = default_home().env_file
    if not all(name in found for name in _NEEDED) and file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            name, sign, value = line.removeprefix("export ").partition("=")
            if sign and not name.startswith("#"):
                found.setdefault(name.strip(), value.strip().strip("'\""))
    missing = [name for name in _NEEDED if name not in found]
    if missing:
        raise StartError(f"{', '.join(missing)} not set: start the parts with `make stack-up`.")
    return found


def environment_of(home: Home, port: int, stack: dict[str, str]) -> dict[str, str]:
    """Make the environment of every process that serves."""
    kept = {name: value for name, value in stack.items() if name not in {_OWNER, *_ROLES}}
    return kept | {
        "DJANGO_SETTINGS_MODULE": "wallet_project.settings",
        "WALLET_HOME": str(home.root),
        "SECRET_KEY_FILE": str(home.secret_key_file),
        "PROMETHEUS_MULTIPROC_DIR": str(home.metrics),
        "BIND_HOST": "127.0.0.1",
        "PORT": str(port),
        "WEB_PROCESSES": kept.get("WEB_PROCESSES", "2"),
        "WEB_THREADS": kept.get("WEB_THREADS", "32"),
        "OPEN_LOOPBACK": "no",
        # The greeting names an address on this machine, without TLS.
        "ADMIN_COOKIES_SECURE": "no",
        "PYTHONUNBUFFERED": "1",
    }


def run() -> None:
    """Start everything, greet, and look after it until somebody stops it.

    :raises StartError: when it cannot be started.
    :raises Stopped: when a signal asks for the end.
    """
    stack = stack_environment()
    home = home_from_environment("var/full")
    os.umask(0o077)  # data and logs are the owner's alone
    claim = home.lock()
    port = web.port_from_environment()
    home.prepare()
    with Supervisor(home.logs) as supervisor:
        service = Service(home, environment_of(home, port, stack), supervisor)
        owner = {_OWNER: stack[_OWNER]}
        roles = {name: stack[name] for name in _ROLES if name in stack}
        say("Preparing the database and the topics.")
        migrate = ("migrate", "--database", "owner", "--no-input", "--verbosity", "0")
        service.manage("migrate", *migrate, **owner)
        service.manage("grant-app-user", "grant_app_user", **owner, **roles)
        service.manage("create-topics", "create_topics")
        key = service.admit_demo_client()
        service.admit_staff()
        say("Starting edge, lane, reads, web, worker, beat, relay and what reads events.")
        web_port, lane_port, reads_port = web.free_ports(3)
        service.start_web(PORT=str(web_port), BEHIND_EDGE="yes")
        if service.environment.get("LANE_PROCESSES") == "0":
            lane_port = reads_port = web_port
        else:
            service.start_lane(PORT=str(lane_port), BEHIND_EDGE="yes")
            readers = service.environment.get("READS_PROCESSES", "2")
            if readers == "0":
                reads_port = lane_port
            else:
                service.start_reads(PORT=str(reads_port), BEHIND_EDGE="yes", LANE_PROCESSES=readers)
        service.start_worker(**{name: url for name, url in roles.items() if name == _REAPER})
        service.start_beat()
        service.start_relay()
        if service.environment.get("CONSUMER_PROCESSES") != "0":
            service.start_consumers()
            service.start_webhooks()
            service.start_exports()
        for each in dict.fromkeys((web_port, lane_port, reads_port)):
            web.wait_ready(supervisor, each)
        # Afterwards: it would take note that nobody is there, and look again only a second later.
        service.start_edge(web_port=web_port, lane_port=lane_port, reads_port=reads_port)
        web.wait_ready(supervisor, port)
        demo = web.make_demo_wallets(home, port, key)
        print(Greeting(home, port, demo, needs_key=True).text(), flush=True)
        supervisor.watch()
    os.close(claim)


if __name__ == "__main__":
    sys.exit(end_with_a_sentence(run))
