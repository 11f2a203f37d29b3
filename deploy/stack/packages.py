"""Finds which packages of the system are missing, and installs them when it may."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.stack.errors import StackError
from deploy.stack.layout import MARIADB, MYSQL
from deploy.stack.processes import say

JAVA_MINIMUM = 17
Libraries = Mapping[Sequence[str], Sequence[str]]
# What the servers are linked with, by package. Ubuntu 24.04 renamed some of them.
COMMON_LIBRARIES: Libraries = {
    ("libaio1t64", "libaio1"): ("libaio.so.1", "libaio.so.1t64"),
    ("libnuma1",): ("libnuma.so.1",),
    ("libcrypt1",): ("libcrypt.so.1",),
    ("libstdc++6",): ("libstdc++.so.6",),
}
LIBRARIES: Mapping[str, Libraries] = {
    MYSQL: COMMON_LIBRARIES,
    MARIADB: {
        **COMMON_LIBRARIES,
        ("liburing2",): ("liburing.so.2",),
        ("libpcre2-8-0",): ("libpcre2-8.so.0",),
        ("libssl3t64", "libssl3"): ("libssl.so.3",),
        ("libsystemd0",): ("libsystemd.so.0",),
    },
}
CLIENT_LIBRARIES = ("mysqlclient", "libmariadb", "mariadb")
QUIET = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True)
class Need:
    """Names the packages that can fill a need, best first, and how to see that it is filled."""

    packages: Sequence[str]
    present: Callable[[], bool]


def runtime_needs(engine: str, unpacked: bool, own_program: bool) -> list[Need]:
    """Return what the servers need.

    :param unpacked: the artefacts are there already, so nothing has to fetch them.
    :param own_program: the database server comes from elsewhere, with its libraries.
    """
    needs = [
        # In front of the service, not of the stack; this is where packages are installed.
        Need(("haproxy",), lambda: find_haproxy() is not None),
        Need(("redis-server",), lambda: shutil.which("redis-server") is not None),
        Need(
            tuple(f"openjdk-{version}-jre-headless" for version in (17, 21, 25)),
            lambda: find_java() is not None,
        ),
    ]
    if not unpacked:
        needs.append(Need(("maven",), lambda: shutil.which("mvn") is not None))
    if not own_program:
        needs += [_library(file_names, names) for names, file_names in LIBRARIES[engine].items()]
    return needs


def _library(file_names: Sequence[str], packages: Sequence[str]) -> Need:
    return Need(packages, lambda: any(map(_loads, file_names)))


def build_needs() -> list[Need]:
    """Return what a virtual environment with mysqlclient needs."""
    return [
        Need(("gcc",), lambda: any(map(shutil.which, ("gcc", "cc", "clang")))),
        Need(("pkg-config",), lambda: any(map(shutil.which, ("pkg-config", "pkgconf")))),
        Need(("default-libmysqlclient-dev",), _has_client_library),
        Need(("python3-dev",), lambda: Path(sysconfig.get_path("include"), "Python.h").exists()),
        Need(("python3-venv",), lambda: importlib.util.find_spec("ensurepip") is not None),
    ]


def browser_needs() -> list[Need]:
    """Return what the tests of the back office drive: no service needs it."""
    return [Need(("chromium", "chromium-browser"), lambda: find_chromium() is not None)]


def ensure(needs: Sequence[Need]) -> None:
    """Install what is missing.

    :raises StackError: when something is missing and cannot be installed from here.
    """
    missing = [need for need in needs if not need.present()]
    if not missing:
        return
    prefix = _privilege()
    if prefix is None or shutil.which("apt-get") is None:
        raise _refusal(missing)
    had_redis = shutil.which("redis-server") is not None
    say("packages: updating the lists")
    _apt(prefix, ["update", "-qq"])
    names = [_choose(need.packages) for need in missing]
    say(f"packages: installing {' '.join(names)}")
    _apt(prefix, ["install", "-y", "-qq", "--no-install-recommends", *names])
    if not had_redis and shutil.which("redis-server") is not None:
        _stop_packaged_redis(prefix)
    still = [need for need in missing if not need.present()]
    if still:
        raise _refusal(still)


def find_haproxy() -> str | None:
    """Return the program, which Debian keeps where not everybody looks."""
    return shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")


def find_chromium() -> str | None:
    """Return the browser."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def unpack(name: str, folder: Path) -> None:
    """Fetch a package of the system and unpack it into a folder: nothing is installed or run.

    :raises StackError: when apt-get cannot fetch it.
    """
    if shutil.which("apt-get") is None:
        raise StackError(f"The package {name} comes by apt-get, which this machine does not have.")
    folder.mkdir()
    fetched = _download(name, folder)
    prefix = _privilege()
    if not fetched and prefix is not None:
        say("packages: updating the lists")
        _apt(prefix, ["update", "-qq"])
        fetched = _download(name, folder)
    if not fetched:
        raise StackError(f"`apt-get download {name}` fails; as root run `apt-get update` first.")
    archive = next(folder.glob("*.deb"))
    subprocess.run(["dpkg-deb", "--extract", str(archive), str(folder)], check=True)
    archive.unlink()


def _download(name: str, folder: Path) -> bool:
    asked = subprocess.run(
        ["apt-get", "download", "-qq", name], cwd=folder, capture_output=True, check=False
    )
    return asked.returncode == 0


def find_java() -> str | None:
    """Return a java that is new enough, the one of JAVA_HOME first."""
    candidates = [shutil.which("java")]
    if "JAVA_HOME" in os.environ:
        candidates.insert(0, str(Path(os.environ["JAVA_HOME"], "bin", "java")))
    for candidate in candidates:
        if candidate is not None and java_major(candidate) >= JAVA_MINIMUM:
            return candidate
    return None


def require_java() -> str:
    """Return a java that is new enough.

    :raises StackError: when there is none.
    """
    java = find_java()
    if java is None:
        raise StackError(f"No java {JAVA_MINIMUM} or newer on the PATH or in JAVA_HOME.")
    return java


def java_major(program: str) -> int:
    """Return the major version of a java, 0 when it cannot be told."""
    try:
        answer = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    found = re.search(r'version "(\d+)', answer.stderr)
    return int(found[1]) if found else 0


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _has_client_library() -> bool:
    program = shutil.which("pkg-config") or shutil.which("pkgconf")
    if program is None:
        return False
    found = (
        subprocess.run([program, "--exists", name], check=False).returncode == 0
        for name in CLIENT_LIBRARIES
    )
    return any(found)


def _privilege() -> list[str] | None:
    """Return what to put before a command that only root may run, or None."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    asked = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    return ["sudo", "-n"] if asked.returncode == 0 else None


def _choose(names: Sequence[str]) -> str:
    """Return the first package that this distribution knows, else the first."""
    if len(names) == 1 or shutil.which("apt-cache") is None:
        return names[0]
    for name in names:
        known = subprocess.run(["apt-cache", "show", name], capture_output=True, check=False)
        if known.returncode == 0:
            return name
    return names[0]


def _apt(prefix: Sequence[str], words: Sequence[str]) -> None:
    command = [
        *prefix,
        "env",
        *(f"{name}={value}" for name, value in QUIET.items()),
        "apt-get",
        # Another installation may hold the lock: wait for it rather than fail.
        *("-o", "DPkg::Lock::Timeout=300"),
        *words,
    ]
    finished = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        tail = "\n".join(finished.stdout.splitlines()[-15:])
        raise StackError(f"`apt-get {' '.join(words)}` failed:\n{tail}")


def _stop_packaged_redis(prefix: Sequence[str]) -> None:
    """Stop the service that the package starts by itself: the stack runs a Redis of its own."""
    if shutil.which("systemctl") is not None:
        subprocess.run(
            [*prefix, "systemctl", "disable", "--now", "redis-server"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )


def _refusal(missing: Sequence[Need]) -> StackError:
    names = " ".join(_choose(need.packages) for need in missing)
    return StackError(
        f"Missing on this machine: {names}. Run as root:"
        f" apt-get update && apt-get install -y --no-install-recommends {names}"
    )
