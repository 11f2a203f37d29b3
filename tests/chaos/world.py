"""The whole stack with a proxy on every road: what there is to break, and how to look at it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from deploy.stack import layout, replication
from deploy.stack.engines import parse_version
from deploy.stack.processes import find_pid
from deploy.stack.wire import Connection, WireError
from tests import databases
from tests.chaos.proxy import LOOPBACK, Roads
from tests.e2e.services import REPOSITORY, Service, full_process
from tests.embedded import starting
from tests.gateway import sandbox
from tests.receiver import Receiver, receiver
from tests.stress.faults import parts
from tests.stress.faults.parts import Running
from wallets.payouts.sandbox import Mood, Sandbox

STARTS: Final = 4
DATABASE: Final = f"{databases.TEST_DATABASE}_chaos"
HOOKS: Final = Path(__file__).parent / "hooks"
PART_NAMES: Final = {
    "primary": layout.PRIMARY,
    "replica": layout.REPLICA,
    "redis": layout.REDIS,
    "kafka": layout.KAFKA,
}
GRUMPY: Final = Mood(fail=5, fail_late=5, lose=10, refuse=10, pending=5)
"""The gateway's mood: payouts meet more than one try."""

_SERVING: Final[dict[str, Callable[[str], bool]]] = {
    "lane": lambda command: "--name lane" in command,
    "reads": lambda command: "--name reads" in command,
    "web": lambda command: "--name web" in command,
}
_COMMANDS: Final = {
    "worker": ("celery", " worker "),
    "beat": ("celery", " beat"),
    "relay": ("manage.py", " relay"),
    "consumers": ("manage.py", " consume"),
    "webhooks": ("manage.py", " deliver_webhooks"),
}


@dataclass(frozen=True)
class World:
    """Everything of one run."""

    running: Running
    service: Service
    """As its clients reach it: through a proxy."""
    direct: dict[str, str]
    """The environment of somebody who walks round the proxies."""
    roads: Roads
    gateway: Sandbox
    receiver: Receiver
    points: Path

    def pids(self, target: str) -> set[int]:
        """Return the processes of a target; empty while it is away."""
        if target in PART_NAMES:
            pid = parts.pid_of(PART_NAMES[target])
            return set() if pid is None else {pid}
        if target in _SERVING:
            return {
                pid for pid in self.running.web_processes() if _SERVING[target](parts._command(pid))
            }
        if target == "edge":
            return self.running.edge_processes()
        words = _COMMANDS[target]
        return {
            pid
            for pid in self.running.programs()
            if all(word in parts._command(pid) for word in words)
        }

    def start(self, target: str) -> None:
        """Start a part of the stack, and lead the replica to the proxy again."""
        for _ in range(STARTS):
            # A part that takes its time is not started twice: whoever asks again waits for it.
            with suppress(subprocess.CalledProcessError, subprocess.TimeoutExpired):
                parts.start(PART_NAMES[target])
                break
        else:
            raise AssertionError(f"{target} does not start.")
        if target == "replica":
            self.follow_through_proxy()

    def follow_through_proxy(self) -> None:
        """Let the replica follow the primary by the road `source`."""
        follow(self.roads.by_name["source"].port)

    def root(self, part: str) -> Connection:
        """Connect to a database server as root, past every proxy."""
        home = layout.default_home()
        return replication.connect(home, part, layout.load_secrets(home))

    @property
    def database(self) -> str:
        """Return the primary's address, past the proxy."""
        return self.direct["DATABASE_URL"]

    @property
    def replica(self) -> str:
        """Return the replica's address, past the proxy."""
        return self.direct["DATABASE_REPLICA_URL"]

    def log(self, name: str) -> Path:
        """Return the file that a program of the service writes its log to."""
        return self.running.home / "logs" / f"{name}.log"


def follow(port: int) -> None:
    """Point the replica at a port of this machine and let it follow."""
    home = layout.default_home()
    secrets = layout.load_secrets(home)
    with replication.connect(home, layout.REPLICA, secrets) as server:
        words = replication.words_of(server)
        server.query(f"STOP {words.server}")
        version = parse_version(server.server_version)
        server.query(replication.change_statement(version, port, secrets["repl"]))
        server.query(f"START {words.server}")


def delay_replica(seconds: int) -> None:
    """Let the replica apply everything so many seconds late."""
    home = layout.default_home()
    with replication.connect(home, layout.REPLICA, layout.load_secrets(home)) as server:
        words = replication.words_of(server)
        server.query(f"STOP {words.server}")
        server.query(f"{words.change} {words.source}_DELAY = {seconds}")
        server.query(f"START {words.server}")


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Start it all; leave the stack as it was found."""
    with ExitStack() as stack:
        roads = stack.enter_context(Roads())
        _require_side_door()
        ports = layout.load_ports(layout.default_home())
        gateway = stack.enter_context(sandbox(GRUMPY))
        hooked = stack.enter_context(receiver())
        direct = databases.environment(DATABASE)
        direct["REDIS_URL"] = direct["REDIS_URL"].removesuffix("/0") + "/2"
        direct["KAFKA_TOPIC_PREFIX"] = f"chaos-{folder.name}."
        databases.make_empty_database(DATABASE)
        points = folder / "points"
        points.mkdir()
        for name, target in (
            ("primary", ports[layout.PRIMARY]),
            ("replica", ports[layout.REPLICA]),
            ("source", ports[layout.PRIMARY]),
            ("redis", ports[layout.REDIS]),
            ("gateway", urlsplit(gateway.url).port or 0),
        ):
            roads.open(name, to=target)
        roads.open("kafka", to=ports[layout.KAFKA_SIDE], port=ports[layout.KAFKA_PROXY])
        home = folder / "home"
        home.mkdir()
        environment = direct | _proxied(direct, roads) | _conditions(home, points, hooked)
        stack.callback(_follow_directly, ports[layout.PRIMARY])
        follow(roads.by_name["source"].port)
        # Whatever still misbehaves at the end must not hinder the service's own end.
        started = stack.enter_context(full_process(environment, home))
        stack.callback(_heal_all, roads)
        stack.callback(parts.restore)
        stack.callback(_continue_all)
        _drain(started.process)
        edge = roads.open("client", to=urlsplit(started.base).port or 0)
        service = Service(f"http://{LOOPBACK}:{edge.port}", started.key, "chaos", environment)
        running = Running(
            Service(started.base, started.key, "chaos", environment), started.process, home
        )
        yield World(running, service, direct, roads, gateway, hooked, points)


def _proxied(direct: dict[str, str], roads: Roads) -> dict[str, str]:
    """Return the addresses of the parts by way of the proxies; the owner's stays as it is."""
    by_name = roads.by_name

    def through(url: str, road: str) -> str:
        where = urlsplit(url)
        user = where.netloc.rpartition("@")[0]
        netloc = f"{user}@" if user else ""
        return urlunsplit(where._replace(netloc=f"{netloc}{LOOPBACK}:{by_name[road].port}"))

    return {
        "DATABASE_URL": through(direct["DATABASE_URL"], "primary"),
        "DATABASE_REPLICA_URL": through(direct["DATABASE_REPLICA_URL"], "replica"),
        "REDIS_URL": through(direct["REDIS_URL"], "redis"),
        "KAFKA_BOOTSTRAP_SERVERS": f"{LOOPBACK}:{by_name['kafka'].port}",
        "PAYOUT_GATEWAY_URL": f"http://{LOOPBACK}:{by_name['gateway'].port}",
    }


def _conditions(home: Path, points: Path, hooked: Receiver) -> dict[str, str]:
    return {
        "WALLET_HOME": str(home),
        "PORT": str(starting.free_port()),
        "WEB_PROCESSES": "1",
        "READS_PROCESSES": "1",
        "WEB_THREADS": "16",
        # Payouts must come to their end within minutes of trouble, not within hours.
        "PAYOUT_GATEWAY_TIMEOUT_SECONDS": "2",
        "PAYOUT_RETRY_SECONDS": "1",
        "PAYOUT_RETRY_MAX_SECONDS": "2",
        "OPERATION_RECOVERY_SECONDS": "10",
        "WEBHOOK_ALLOW_HTTP": "yes",
        "WEBHOOK_NETWORKS": "127.0.0.0/8",
        "WEBHOOK_PORTS": str(hooked.port),
        "WEBHOOK_RETRIES": "1,1,1,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2",
        "CHAOS_POINTS": str(points),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(HOOKS), os.environ.get("PYTHONPATH")))),
    }


def _require_side_door() -> None:
    """Start the broker anew if it runs with a configuration from before it had a side door."""
    home = layout.default_home()
    port = layout.load_ports(home).get(layout.KAFKA_SIDE)
    if port is not None:
        with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=2):
            return
    stack = [sys.executable, "-m", "deploy.stack"]
    for words in (["kill", layout.KAFKA], ["start", layout.KAFKA]):
        subprocess.run([*stack, *words], cwd=REPOSITORY, check=True, capture_output=True)


def _follow_directly(port: int) -> None:
    with suppress(WireError):
        delay_replica(0)
    follow(port)


def _heal_all(roads: Roads) -> None:
    for proxy in roads.by_name.values():
        proxy.heal()


def _continue_all() -> None:
    """Wake every part that may have been left asleep."""
    for part in layout.PARTS:
        pid = find_pid(layout.default_home(), part)
        if pid is not None:
            os.kill(pid, signal.SIGCONT)


def _drain(process: subprocess.Popen[str]) -> None:
    """Read what the supervisor says, or it would stand still when the pipe is full."""
    said = process.stdout
    assert said is not None
    threading.Thread(target=lambda: [None for _ in said], daemon=True).start()
