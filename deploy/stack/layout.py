"""Names the folders, ports and secrets of one stack on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import secrets
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.stack.errors import StackError

REPOSITORY = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"

MYSQL = "mysql"
MARIADB = "mariadb"
ENGINES = (MYSQL, MARIADB)

# MariaDB's servers have the same names, as its addresses begin with `mysql://` too.
PRIMARY = "mysql-primary"
REPLICA = "mysql-replica"
REDIS = "redis"
KAFKA = "kafka"
PARTS = (PRIMARY, REPLICA, REDIS, KAFKA)
# A broker has a second door, for the quorum it forms with itself.
KAFKA_CONTROLLER = "kafka-controller"
# And a third, for clients that come by a proxy: a broker tells its clients where to find it, and
# those that came in by the side door are told the proxy's address, where tests of failure listen.
KAFKA_SIDE = "kafka-side"
KAFKA_PROXY = "kafka-proxy"
PORT_NAMES = (*PARTS, KAFKA_CONTROLLER, KAFKA_SIDE, KAFKA_PROXY)

ROLES = ("eraser", "reaper", "readonly")
SECRET_NAMES = ("root", "migrate", "app", "repl", *ROLES)
# Below the range that Linux hands to clients, so that none of them sits on a server's port.
PORT_RANGE = range(13306, 32000)
# The kernel allows 107 bytes for the path of a Unix socket; mysqld wants a few for itself.
SOCKET_PATH_LIMIT = 100


@dataclass(frozen=True)
class Home:
    """Holds the root folder of a stack and derives every path in it."""

    root: Path
    wanted: str | None = None
    """The engine that somebody asked for."""

    @property
    def engine(self) -> str:
        """Return the engine that the data is of, or is to be of."""
        try:
            return self.engine_file.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return self.wanted or MYSQL

    @property
    def engine_file(self) -> Path:
        """Return the file that remembers the engine from the first start on."""
        return self.root / "engine"

    @property
    def state_file(self) -> Path:
        """Return the file that tells ports, pids and commands to whoever asks."""
        return self.root / "stack.json"

    @property
    def ports_file(self) -> Path:
        """Return the file that remembers the ports from one start to the next."""
        return self.root / "ports.json"

    @property
    def env_file(self) -> Path:
        """Return the file with the addresses a process of the project needs."""
        return self.root / "stack.env"

    @property
    def secrets_file(self) -> Path:
        """Return the file with the passwords made at the first start."""
        return self.root / "secrets.json"

    @property
    def software(self) -> Path:
        """Return the folder of what was unpacked; wiping data leaves it alone."""
        return self.root / "software"

    @property
    def run(self) -> Path:
        """Return the folder of locks, pids and marks."""
        return self.root / "run"

    def part(self, name: str) -> Path:
        """Return the folder that holds a part's configuration and data."""
        return self.root / "parts" / name

    def log(self, name: str) -> Path:
        """Return the file that a part writes its output to."""
        return self.root / "logs" / f"{name}.log"

    def pid_file(self, name: str) -> Path:
        """Return the file with the identity of a part's process."""
        return self.run / f"{name}.pid"

    def socket(self, name: str) -> Path:
        """Return the Unix socket of a database server."""
        return self.part(name) / "mysqld.sock"

    def make(self) -> None:
        """Create the folders.

        :raises StackError: when a path is too long for a socket, out of the servers' reach, when
            the root folder belongs to somebody else, or when its data is of another engine.
        """
        longest = self.socket(REPLICA)
        if len(os.fsencode(longest)) > SOCKET_PATH_LIMIT:
            raise StackError(
                f"STACK_HOME is too long for a socket ({longest} has over {SOCKET_PATH_LIMIT}"
                " characters): choose a shorter one."
            )
        folders = (self.software, self.run, self.root / "parts", self.root / "logs")
        with shared_umask():
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
        _require_own(self.root)
        if os.geteuid() == 0:
            _require_reachable(self.root)
        if self.wanted not in {None, self.engine}:
            raise StackError(
                f"{self.root} has the data of {self.engine}, not of {self.wanted}: choose another"
                " STACK_HOME, or empty this one with `down --wipe`."
            )
        write_public(self.engine_file, f"{self.engine}\n")


@contextmanager
def shared_umask() -> Iterator[None]:
    """Let others read what is made meanwhile: mysqld is not the user who installs it."""
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


def default_home(engine: str | None = None) -> Home:
    """Return the stack's home: STACK_HOME, or a folder named after user, clone and engine."""
    chosen = os.environ.get("STACK_HOME")
    if chosen:
        return Home(Path(chosen).expanduser().absolute(), engine)
    digest = hashlib.sha256(os.fsencode(REPOSITORY)).hexdigest()[:8]
    ending = f"-{engine}" if engine not in {None, MYSQL} else ""
    # A name that others can guess in a folder where they may write: `make` checks the owner.
    return Home(Path(f"/var/tmp/wallet-stack-{os.getuid()}-{digest}{ending}"), engine)  # noqa: S108


def _require_own(folder: Path) -> None:
    """Check that nobody else could have put anything into a folder.

    :raises StackError: when it is another user's or open to others' writing.
    """
    found = folder.stat()
    if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise StackError(f"{folder} belongs to another user or others may write in it: remove it.")


def _require_reachable(folder: Path) -> None:
    """Check that an unprivileged user may walk to a folder, as mysqld does once root starts it.

    :raises StackError: when a folder on the way is closed to others.
    """
    for step in (folder, *folder.parents):
        if not step.stat().st_mode & stat.S_IXOTH:
            raise StackError(
                f"STACK_HOME={folder} cannot be reached by the user that mysqld runs as, because"
                f" {step} is closed to others: choose a folder under /var/tmp."
            )


def server_user() -> str | None:
    """Return the user that mysqld must become, or None when this is not root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody").pw_name
    except KeyError as error:
        raise StackError(
            "This system has no user `nobody`; start the stack as non-root."
        ) from error


def give_to_server(*paths: Path) -> None:
    """Hand files or folders to the user that mysqld runs as."""
    user = server_user()
    if user is None:
        return
    entry = pwd.getpwnam(user)
    for path in paths:
        os.chown(path, entry.pw_uid, entry.pw_gid)


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step with one that only its owner may read."""
    _replace(path, text, 0o600)


def write_public(path: Path, text: str) -> None:
    """Replace a file in one step with one that everybody may read."""
    _replace(path, text, 0o644)


def _replace(path: Path, text: str, mode: int) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
    draft.replace(path)


def read_strings(path: Path) -> dict[str, str]:
    """Return a JSON object of strings, or an empty one when the file is not there."""
    if not path.exists():
        return {}
    content: object = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise StackError(f"{path} is damaged: `down --wipe` starts anew.")
    return {str(key): str(value) for key, value in content.items()}


def load_secrets(home: Home) -> dict[str, str]:
    """Return the passwords, making them at the first start."""
    known = read_strings(home.secrets_file)
    missing = [name for name in SECRET_NAMES if name not in known]
    if missing:
        known |= {name: secrets.token_hex(16) for name in missing}
        write_private(home.secrets_file, json.dumps(known, indent=2) + "\n")
    return known


def load_ports(home: Home) -> dict[str, int]:
    """Return the ports as last recorded; empty before the first start."""
    return {name: int(port) for name, port in read_strings(home.ports_file).items()}


def choose_ports(home: Home, running: frozenset[str]) -> dict[str, int]:
    """Choose a port for every name and record it: the last one if it is still to be had.

    :param running: parts that hold their port themselves, so that it must not change.
    """
    ports = load_ports(home)
    for name in PORT_NAMES:
        # The proxy's port is not the broker's to hold, and may be taken by the proxy already.
        held = name in running or name == KAFKA_PROXY
        held |= name in (KAFKA_CONTROLLER, KAFKA_SIDE) and KAFKA in running
        if name in ports and (held or is_free(ports[name])):
            continue
        ports[name] = find_free(frozenset(ports.values()))
    write_public(home.ports_file, json.dumps(ports, indent=2) + "\n")
    return ports


def is_free(port: int) -> bool:
    """Tell whether a server could listen on a loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Servers set this too; without it a port would look taken for a minute after a stop.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def find_free(taken: frozenset[int]) -> int:
    """Return a port that is free on loopback and not among those already given away."""
    # Stacks of two clones that start at the same moment rarely meet when each begins elsewhere.
    first = secrets.randbelow(len(PORT_RANGE))
    for step in range(len(PORT_RANGE)):
        port = PORT_RANGE[(first + step) % len(PORT_RANGE)]
        if port not in taken and is_free(port):
            return port
    raise StackError(
        f"No free port from {PORT_RANGE[0]} to {PORT_RANGE[-1]} on {LOOPBACK}: stop something."
    )
