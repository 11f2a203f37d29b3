"""The programs of a running service, and the steps before them."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from deploy.stack import packages
from deploy.starter.errors import StartError
from deploy.starter.home import Home
from deploy.starter.supervisor import Program, Supervisor, say

ADMIN = "admin"


@dataclass(frozen=True)
class Service:
    """Runs programs of the project, each with the same environment."""

    home: Home
    environment: Mapping[str, str]
    supervisor: Supervisor

    def manage(self, name: str, *arguments: str, **environment: str) -> str:
        """Run a management command to its end and return what it printed.

        :raises StartError: when it fails.
        """
        return self.supervisor.run_step(
            self._program(name, sys.executable, "manage.py", *arguments, **environment)
        )

    def start_web(self, **environment: str) -> None:
        """Start the Django processes: gunicorn with a thread for each call."""
        self._start_gunicorn("web", "deploy/gunicorn.conf.py", environment)

    def start_lane(self, **environment: str) -> None:
        """Start the lane processes: gunicorn with an event loop for the hot routes."""
        self._start_gunicorn("lane", "deploy/gunicorn_lane.conf.py", environment)

    def start_edge(self, *, web_port: int, lane_port: int) -> None:
        """Start HAProxy in front of both.

        :raises StartError: when it is not installed.
        """
        program = packages.find_haproxy()
        if program is None:
            raise StartError("haproxy is missing: run `make stack-up`, which installs it.")
        environment = {
            "EDGE_BIND": f"127.0.0.1:{self.environment['PORT']}",
            "WEB_SERVER": f"127.0.0.1:{web_port}",
            "LANE_SERVER": f"127.0.0.1:{lane_port}",
        }
        words = ("-db", "-f", "deploy/edge/haproxy.cfg")
        self.supervisor.start(self._program("edge", program, *words, **environment))

    def start_worker(self) -> None:
        """Start one Celery worker that does one task at a time."""
        self._start_celery(
            "worker",
            # Solo: a pool's forked children and the threads of a broker's client do not mix.
            *("--pool", "solo", "--concurrency", "1"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        )

    def start_beat(self) -> None:
        """Start the clock of the periodic tasks."""
        self._start_celery("beat", "--pidfile", "")

    def start_relay(self) -> None:
        """Start the relay that feeds Kafka without Celery and its broker."""
        self.supervisor.start(self._program("relay", sys.executable, "manage.py", "relay"))

    def admit_demo_client(self) -> str:
        """Make the demo client at the first start; return its key, the same at every start."""
        known = self.home.read_demo()
        if "DEMO_API_KEY" not in known:
            say("Making the demo client.")
            words = ("create_client", "demo", "--json")
            try:
                printed = self.manage("create-client", *words, "--plan", "demo")
            except StartError:
                # A first start that was cut short made the client and lost its key.
                printed = self.manage("create-client", *words, "--add-key")
            known = self.home.note_demo(DEMO_API_KEY=json.loads(printed)["key"])
        return known["DEMO_API_KEY"]

    def admit_admin(self) -> None:
        """Make an admin's account at the first start, and note its name and password."""
        if "DEMO_ADMIN_PASSWORD" in self.home.read_demo():
            return
        say("Making the admin's account.")
        name, password = ADMIN, secrets.token_urlsafe(12)
        try:
            self._create_superuser(name, password)
        except StartError:
            # The name is taken, by somebody whose password is not ours to change.
            name = f"{ADMIN}-{secrets.token_hex(3)}"
            self._create_superuser(name, password)
        self.home.note_demo(DEMO_ADMIN_USER=name, DEMO_ADMIN_PASSWORD=password)

    def _create_superuser(self, name: str, password: str) -> None:
        words = ("createsuperuser", "--noinput", "--username", name, "--email", "admin@localhost")
        self.manage("create-admin", *words, DJANGO_SUPERUSER_PASSWORD=password)

    def _start_gunicorn(self, name: str, file: str, environment: Mapping[str, str]) -> None:
        words = ("-m", "gunicorn", "-c", file)
        self.supervisor.start(self._program(name, sys.executable, *words, **environment))

    def _start_celery(self, kind: str, *arguments: str) -> None:
        words = ("-m", "celery", "--app", "wallet_project", "--quiet", kind)
        self.supervisor.start(self._program(kind, sys.executable, *words, *arguments))

    def _program(self, name: str, *arguments: str, **environment: str) -> Program:
        return Program(name, arguments, {**self.environment, **environment})
