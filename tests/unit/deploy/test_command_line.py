"""What the person at the terminal hears when something is wrong."""

from pathlib import Path

import pytest

from deploy.stack import packages
from deploy.stack.__main__ import main
from deploy.stack.errors import StackError
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


@pytest.mark.parametrize(
    ("said", "major"),
    [('openjdk version "17.0.15" 2025-04-15', 17), ('java version "1.8.0_402"', 1), ("", 0)],
)
def test_the_version_of_java_is_read(tmp_path: Path, said: str, major: int) -> None:
    program = tmp_path / "java"
    program.write_text(f"#!/bin/sh\necho '{said}' >&2\n")
    program.chmod(0o755)

    assert packages.java_major(str(program)) == major
