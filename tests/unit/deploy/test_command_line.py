"""What the person at the terminal hears when something is wrong."""

from pathlib import Path

import pytest

from deploy.stack import artefacts, packages
from deploy.stack.__main__ import main
from deploy.stack.errors import StackError
from deploy.stack.layout import MARIADB, MYSQL
from deploy.stack.packages import Need


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["dance"],
        ["start"],
        ["start", "oracle"],
        ["kill", "redis", "--signal", "HUP"],
        ["--db", "oracle", "up"],
    ],
)
def test_unknown_words_are_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)

    assert ended.value.code == 2


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["env"], "never started"),
        (["run"], "Name the command"),
        (["run", "--"], "Name the command"),
        (["kill", "redis"], "redis is not running"),
    ],
)
def test_an_error_is_one_sentence(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 1
    heard = capsys.readouterr()
    assert said in heard.err
    assert heard.err.startswith("error: ")
    assert "Traceback" not in heard.err
    assert heard.out == ""


@pytest.mark.usefixtures("home")
def test_nothing_running_is_told_by_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 1
    assert capsys.readouterr().out.split() == [
        *("mysql-primary", "stopped"),
        *("mysql-replica", "stopped"),
        *("redis", "stopped"),
        *("kafka", "stopped"),
    ]


def test_what_cannot_be_installed_is_named_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # neither apt-get nor sudo
    missing = [Need(("redis-server",), lambda: False), Need(("gcc",), lambda: True)]

    with pytest.raises(StackError) as refused:
        packages.ensure(missing)

    assert str(refused.value) == (
        "Missing on this machine: redis-server. Run as root:"
        " apt-get update && apt-get install -y --no-install-recommends redis-server"
    )


def _program(folder: Path, name: str, text: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


def test_a_package_is_unpacked_and_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bin_, target = tmp_path / "bin", tmp_path / "software"
    bin_.mkdir()
    monkeypatch.setenv("PATH", f"{bin_}:/usr/bin:/bin")
    _program(bin_, "apt-get", f'echo "$@" >> {tmp_path}/asked; echo > "$3_10.11_amd64.deb"')
    _program(bin_, "dpkg-deb", 'test "$1" = --extract && cp "$2" "$3/unpacked"')

    packages.unpack("mariadb-server-core", target)

    assert (tmp_path / "asked").read_text() == "download -qq mariadb-server-core\n"
    assert [path.name for path in target.iterdir()] == ["unpacked"]


def test_a_package_that_cannot_be_fetched_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no sudo
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    _program(tmp_path, "apt-get", "exit 100")

    with pytest.raises(StackError, match="`apt-get download mariadb-server-core` fails"):
        packages.unpack("mariadb-server-core", tmp_path / "software")


def test_a_server_of_ones_own_is_named_for_each_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_MARIADBD", "/opt/mariadb/bin/mariadbd")
    monkeypatch.delenv("STACK_MYSQLD", raising=False)

    assert artefacts.own_program(MARIADB) == Path("/opt/mariadb/bin/mariadbd")
    assert artefacts.own_program(MYSQL) is None


@pytest.mark.parametrize(
    ("said", "major"),
    [('openjdk version "17.0.15" 2025-04-15', 17), ('java version "1.8.0_402"', 1), ("", 0)],
)
def test_the_version_of_java_is_read(tmp_path: Path, said: str, major: int) -> None:
    program = tmp_path / "java"
    program.write_text(f"#!/bin/sh\necho '{said}' >&2\n")
    program.chmod(0o755)

    assert packages.java_major(str(program)) == major
