"""The programs of a running service, and the steps before them."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from deploy.stack import packages
from deploy.starter.errors import StartError
from deploy.starter.home import Home
from deploy.starter.supervisor import Program, Supervisor, say

ADMIN = "admin"
ROLES = ("viewer", "maker", "checker", "auditor", "operator")


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

    def start_reads(self, **environment: str) -> None:
        """Start the same program again, for the hot routes that only read."""
        self._start_gunicorn("reads", "deploy/gunicorn_lane.conf.py", environment)

    def start_edge(self, *, web_port: int, lane_port: int, reads_port: int) -> None:
        """Start HAProxy in front of them.

        :raises StartError: when it is not installed.
        """
        program = packages.find_haproxy()
        if program is None:
            raise StartError("haproxy is missing: run `make stack-up`, which installs it.")
        environment = {
            "EDGE_BIND": f"127.0.0.1:{self.environment['PORT']}",
            "WEB_SERVER": f"127.0.0.1:{web_port}",
            "LANE_SERVER": f"127.0.0.1:{lane_port}",
            "READS_SERVER": f"127.0.0.1:{reads_port}",
            "DENY_LIST": os.environ.get("DENY_LIST") or "deploy/edge/deny.lst",
            "CONNECTIONS_PER_ADDRESS": os.environ.get("CONNECTIONS_PER_ADDRESS") or "1024",
        }
        # -W: a master, which reads the deny list anew at SIGUSR2.
        words = ("-W", "-db", "-f", "deploy/edge/haproxy.cfg")
        self.supervisor.start(self._program("edge", program, *words, **environment))

    def start_worker(self, **environment: str) -> None:
        """Start one Celery worker that does one task at a time."""
        self._start_celery(
            "worker",
            environment,
            # Solo: a pool's forked children and the threads of a broker's client do not mix.
            *("--pool", "solo", "--concurrency", "1"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        )

    def start_beat(self) -> None:
        """Start the clock of the periodic tasks."""
        self._start_celery("beat", {}, "--pidfile", "")

    def start_relay(self) -> None:
        """Start the relay that feeds Kafka without Celery and its broker."""
        self.supervisor.start(self._program("relay", sys.executable, "manage.py", "relay"))

    def start_consumers(self) -> None:
        """Start every consumer of events in one process."""
        self.supervisor.start(self._program("consumers", sys.executable, "manage.py", "consume"))

    def start_webhooks(self) -> None:
        """Start the process that sends webhooks."""
        words = ("manage.py", "deliver_webhooks")
        self.supervisor.start(self._program("webhooks", sys.executable, *words))

    def start_exports(self) -> None:
        """Start the process that writes the files of exports, however long."""
        self.supervisor.start(self._program("exports", sys.executable, "manage.py", "work_exports"))

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

    def admit_staff(self) -> None:
        """Make an admin's account and one of each role at the first start; note their secrets."""
        if "DEMO_ADMIN_SECRET" in self.home.read_demo():
            return
        say("Making the accounts of staff.")
        try:
            made = self._create_staff("")
        except StartError:
            # A name is taken, by somebody whose password is not ours to change.
            made = self._create_staff(f"-{secrets.token_hex(3)}")
        notes = {}
        for role, account in zip((ADMIN, *ROLES), made, strict=True):
            for fact, name in (("USER", "name"), ("PASSWORD", "password"), ("SECRET", "secret")):
                notes[f"DEMO_{role.upper()}_{fact}"] = account[name]
        self.home.note_demo(**notes)

    def _create_staff(self, ending: str) -> list[dict[str, str]]:
        accounts = [f"{ADMIN}{ending}:superuser", *(f"{role}{ending}:{role}" for role in ROLES)]
        words = ("create_staff", *accounts, "--enrol", "--json")
        made: list[dict[str, str]] = json.loads(self.manage("create-staff", *words))
        return made

    def _start_gunicorn(self, name: str, file: str, environment: Mapping[str, str]) -> None:
        # The name tells the two kinds of lane apart in the process table.
        words = ("-m", "gunicorn", "-c", file, "--name", name)
        self.supervisor.start(self._program(name, sys.executable, *words, **environment))

    def _start_celery(self, kind: str, environment: Mapping[str, str], *arguments: str) -> None:
        words = ("-m", "celery", "--app", "wallet_project", "--quiet", kind, *arguments)
        self.supervisor.start(self._program(kind, sys.executable, *words, **environment))

    def _program(self, name: str, *arguments: str, **environment: str) -> Program:
        return Program(name, arguments, {**self.environment, **environment})
