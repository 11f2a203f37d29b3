"""Offers the stack on the command line: `python3 -m deploy.stack up|status|down|…`."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence

from deploy.stack import packages, processes, service, session
from deploy.stack.errors import StackError
from deploy.stack.layout import ENGINES, PARTS, Home, default_home

INTERRUPTED = 130
Handler = Callable[[Home, argparse.Namespace], int]
SIGNALS = ("KILL", "TERM", "STOP", "CONT")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python3 -m deploy.stack",
        description="Install and run MySQL or MariaDB (primary and replica), Redis and Kafka on"
        " loopback. Everything lives in STACK_HOME, by default a folder of this clone and engine"
        " under /var/tmp.",
    )
    parser.add_argument(
        "--db",
        choices=ENGINES,
        help="the database engine; default: the one that STACK_HOME was made with, else mysql",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, handler: Handler, text: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=text, description=text)
        added.set_defaults(handler=handler)
        return added

    install = verb("install", _install, "install what is missing on this machine")
    install.add_argument(
        "--only",
        choices=("runtime", "build", "browser"),
        help="runtime: what the servers need; build: what mysqlclient needs to be compiled; "
        "browser: what the tests of the back office drive",
    )
    verb("up", _up, "start what does not run and wait until everything is ready")
    status = verb("status", _status, "show how every part is; exit 1 unless all are ready")
    status.add_argument("--json", action="store_true", help="print it for a program")
    down = verb("down", _down, "stop everything that this stack started")
    down.add_argument("--wipe", action="store_true", help="remove the data as well")
    verb("env", _env, "print the addresses as NAME=value lines")
    start = verb("start", _start, "start one part and wait until it is ready")
    start.add_argument("part", choices=PARTS)
    kill = verb("kill", _kill, "send a signal to one part (for tests of failure)")
    kill.add_argument("part", choices=PARTS)
    kill.add_argument("--signal", choices=SIGNALS, default="KILL", help="default: KILL")
    run = verb("run", _run, "run a command on the stack; stop afterwards what this started")
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND …")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one verb and return the exit code."""
    parsed = build_parser().parse_args(arguments)
    handler: Handler = parsed.handler
    try:
        return handler(default_home(parsed.db), parsed)
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _install(home: Home, parsed: argparse.Namespace) -> int:
    with service.locked(home):
        if parsed.only == "browser":
            packages.ensure(packages.browser_needs())
            return 0
        service.install(home, runtime=parsed.only != "build", build=parsed.only != "runtime")
    return 0


def _up(home: Home, parsed: argparse.Namespace) -> int:
    del parsed
    with service.locked(home):
        session.keep(home)
        service.start(home, PARTS)
    for status in service.inspect(home):
        print(status.line())
    print(f"addresses: {home.env_file}")
    return 0


def _status(home: Home, parsed: argparse.Namespace) -> int:
    statuses = service.inspect(home)
    if parsed.json:
        print(service.as_json(statuses))
    else:
        for status in statuses:
            print(status.line())
    return 0 if all(status.ready for status in statuses) else 1


def _down(home: Home, parsed: argparse.Namespace) -> int:
    with service.locked(home):
        session.keep(home)
        stopped = service.stop_parts(home, PARTS)
        processes.say(f"stopped: {' '.join(stopped) or 'nothing was running'}")
        if parsed.wipe:
            service.wipe(home)
    return 0


def _env(home: Home, parsed: argparse.Namespace) -> int:
    del parsed
    for name, value in service.environment(home).items():
        print(f"{name}={value}")
    return 0


def _start(home: Home, parsed: argparse.Namespace) -> int:
    with service.locked(home):
        service.start(home, [parsed.part])
    return 0


def _kill(home: Home, parsed: argparse.Namespace) -> int:
    number = signal.Signals[f"SIG{parsed.signal}"]
    with service.locked(home):
        if processes.send(home, parsed.part, number) is None:
            raise StackError(f"{parsed.part} is not running.")
        if number == signal.SIGKILL:
            processes.wait_gone(home, parsed.part, processes.STOP_LIMIT)
    return 0


def _run(home: Home, parsed: argparse.Namespace) -> int:
    command = parsed.command[1:] if parsed.command[:1] == ["--"] else parsed.command
    if not command:
        raise StackError("Name the command to run: `python3 -m deploy.stack run -- COMMAND`.")
    return session.run(home, command)


if __name__ == "__main__":
    sys.exit(main())
