"""Starts, inspects and stops the parts together, and writes down where they are."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial

from deploy.stack import artefacts, kafka, mysql, packages, redis, replication
from deploy.stack.errors import StackError
from deploy.stack.layout import (
    KAFKA,
    LOOPBACK,
    PARTS,
    PRIMARY,
    REDIS,
    REPLICA,
    ROLES,
    Home,
    choose_ports,
    load_ports,
    load_secrets,
    read_strings,
    shared_umask,
    write_private,
    write_public,
)
from deploy.stack.processes import Command, find_pid, say, spawn, stop, wait_ready
from deploy.stack.wire import WireError

START_LIMIT = 90.0


@dataclass(frozen=True)
class Status:
    """Tells how a part is."""

    part: str
    running: bool
    ready: bool
    port: int | None
    pid: int | None
    lag: int | None = None
    note: str = ""

    def line(self) -> str:
        """Return the part's line for a person."""
        word = "ready" if self.ready else "not ready" if self.running else "stopped"
        text = f"{self.part:<14} {word:<9}"
        if self.running:
            text += f" {LOOPBACK}:{self.port} pid {self.pid}"
        if self.lag is not None:
            text += f" {self.lag} s behind"
        return f"{text} {self.note}".rstrip()


@contextmanager
def locked(home: Home) -> Iterator[None]:
    """Hold the stack alone: whoever comes second waits for the first."""
    home.make()
    with shared_umask(), (home.run / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process is changing this stack; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def install(home: Home, runtime: bool = True, build: bool = True) -> None:
    """Bring what is missing onto this machine: packages first, then what is only unpacked."""
    needs: list[packages.Need] = []
    if runtime:
        own = artefacts.own_program(home.engine) is not None
        needs += packages.runtime_needs(home.engine, artefacts.unpacked(home), own)
    if build:
        needs += packages.build_needs()
    packages.ensure(needs)
    if runtime:
        artefacts.ensure(home)


def running_parts(home: Home) -> list[str]:
    """Return the parts that have a live process."""
    return [name for name in PARTS if find_pid(home, name) is not None]


def start(home: Home, names: Sequence[str]) -> list[str]:
    """Start the parts that do not run and wait until all of these are ready.

    :returns: the parts that were started now.
    """
    alive = running_parts(home)
    absent = [name for name in names if name not in alive]
    if absent:
        install(home, build=False)
    ports = choose_ports(home, frozenset(alive))
    load_secrets(home)
    # At once: each spends most of its start waiting for a disk or for itself.
    with ThreadPoolExecutor(max_workers=len(PARTS)) as pool:
        jobs = [pool.submit(_start_one, home, name, ports) for name in absent]
        jobs += [
            pool.submit(wait_ready, home, name, _probe(name, ports[name]), START_LIMIT)
            for name in names
            if name in alive
        ]
    # Whatever became of each, tell where those are that do run.
    write_files(home)
    for job in jobs:
        job.result()
    if PRIMARY in running_parts(home) and REPLICA in names:
        replication.ensure(home, ports[PRIMARY], load_secrets(home))
    if PRIMARY in names:
        replication.ensure_roles(home, load_secrets(home))
    return absent


def _start_one(home: Home, name: str, ports: dict[str, int]) -> None:
    command = _prepare(home, name, ports)
    say(f"{name}: starting on {LOOPBACK}:{ports[name]}")
    spawn(home, name, command)
    wait_ready(home, name, _probe(name, ports[name]), START_LIMIT)


def _prepare(home: Home, name: str, ports: dict[str, int]) -> Command:
    """Make a part ready to be started and return the command that starts it."""
    if name == REDIS:
        return redis.prepare(home, ports[REDIS])
    if name == KAFKA:
        return kafka.prepare(home, artefacts.kafka_folder(home), packages.require_java(), ports)
    software = artefacts.database_software(home)
    return mysql.prepare(home, name, ports[name], software, load_secrets(home))


def _probe(name: str, port: int) -> Callable[[], bool]:
    probes = {PRIMARY: mysql.answers, REPLICA: mysql.answers, REDIS: redis.answers}
    probe = probes.get(name, kafka.answers)
    return lambda: probe(port)


def stop_parts(home: Home, names: Sequence[str]) -> list[str]:
    """Stop parts, all at once, and return those that were running."""
    if {PRIMARY, REPLICA} <= {*names} & {*running_parts(home)}:
        replication.part(home, load_secrets(home))
    with ThreadPoolExecutor(max_workers=len(PARTS)) as pool:
        were = list(pool.map(partial(stop, home), names))
    if home.ports_file.exists():
        write_files(home)
    return [name for name, was in zip(names, were, strict=True) if was]


def wipe(home: Home) -> None:
    """Remove the data, ports and passwords of stopped parts; what was fetched stays."""
    for path in (home.root / "parts", home.root / "logs"):
        shutil.rmtree(path, ignore_errors=True)
    for file in (
        *(home.ports_file, home.secrets_file, home.env_file, home.state_file),
        home.engine_file,
    ):
        file.unlink(missing_ok=True)


def inspect(home: Home) -> list[Status]:
    """Return how every part is."""
    ports = load_ports(home)
    return [_inspect_one(home, name, ports.get(name)) for name in PARTS]


def _inspect_one(home: Home, name: str, port: int | None) -> Status:
    pid = find_pid(home, name)
    if pid is None or port is None:
        return Status(name, running=False, ready=False, port=port, pid=None)
    ready = _probe(name, port)()
    if name != REPLICA or not ready:
        return Status(name, running=True, ready=ready, port=port, pid=pid)
    try:
        with replication.connect(home, name, read_strings(home.secrets_file)) as server:
            state = replication.read_state(server)
    except WireError as error:
        return Status(name, True, False, port, pid, note=str(error))
    if state is None:
        return Status(name, True, False, port, pid, note="not told to follow")
    note = "" if state.following else f"does not follow: {state.error or 'no reason given'}"
    return Status(name, True, state.following, port, pid, state.lag, note)


def environment(home: Home) -> dict[str, str]:
    """Return the variables that a process of the project needs to find the parts."""
    ports = load_ports(home)
    known = read_strings(home.secrets_file)
    if not ports or not known:
        raise StackError("The stack was never started: run `python3 -m deploy.stack up`.")

    def database(user: str, name: str) -> str:
        return f"mysql://{user}:{known[user]}@{LOOPBACK}:{ports[name]}/wallet"

    return {
        "DATABASE_URL": database("app", PRIMARY),
        "DATABASE_OWNER_URL": database("migrate", PRIMARY),
        "DATABASE_REPLICA_URL": database("app", REPLICA),
        **{f"DATABASE_{user.upper()}_URL": database(user, PRIMARY) for user in ROLES},
        "REDIS_URL": f"redis://{LOOPBACK}:{ports[REDIS]}/0",
        "KAFKA_BOOTSTRAP_SERVERS": f"{LOOPBACK}:{ports[KAFKA]}",
        "STACK_HOME": str(home.root),
    }


def write_files(home: Home) -> None:
    """Write down the addresses (stack.env) and the processes (stack.json)."""
    lines = [f"{name}={value}\n" for name, value in environment(home).items()]
    write_private(home.env_file, "".join(lines))
    ports = load_ports(home)
    parts = {name: _describe(home, name, ports[name]) for name in PARTS}
    state = {"home": str(home.root), "env_file": str(home.env_file), "parts": parts}
    write_public(home.state_file, json.dumps(state, indent=2) + "\n")


def _describe(home: Home, name: str, port: int) -> dict[str, object]:
    described: dict[str, object] = {
        "port": port,
        "pid": find_pid(home, name),
        "pid_file": str(home.pid_file(name)),
        "log": str(home.log(name)),
        "start": ["python3", "-m", "deploy.stack", "start", name],
    }
    if name in {PRIMARY, REPLICA}:
        described["socket"] = str(home.socket(name))
    return described


def as_json(statuses: Sequence[Status]) -> str:
    """Return the states for a program."""
    return json.dumps([asdict(status) for status in statuses], indent=2)
