"""Where a stack lives, which ports it takes and who may read its passwords."""

import json
import socket
import stat
from pathlib import Path

import pytest

from deploy.stack import layout, service
from deploy.stack.errors import StackError
from deploy.stack.layout import KAFKA, LOOPBACK, MARIADB, MYSQL, PORT_NAMES, PRIMARY, REDIS, Home

NOBODY_RUNS: frozenset[str] = frozenset()


def test_two_clones_have_two_homes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STACK_HOME", raising=False)
    monkeypatch.setattr(layout, "REPOSITORY", Path("/somewhere/one"))
    first = layout.default_home()
    monkeypatch.setattr(layout, "REPOSITORY", Path("/somewhere/two"))

    assert first != layout.default_home()
    assert first.root.parent == Path("/var/tmp")


def test_the_two_engines_have_two_homes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STACK_HOME", raising=False)

    assert layout.default_home(MARIADB).root != layout.default_home().root
    assert layout.default_home(MYSQL).root == layout.default_home().root


def test_a_home_remembers_its_engine_until_it_is_wiped(home: Home) -> None:
    assert home.engine == MYSQL
    with pytest.raises(StackError, match="has the data of mysql, not of mariadb"):
        layout.default_home(MARIADB).make()

    service.wipe(home)
    layout.default_home(MARIADB).make()

    assert layout.default_home().engine == MARIADB
    with pytest.raises(StackError, match="has the data of mariadb, not of mysql"):
        layout.default_home(MYSQL).make()


def test_a_home_too_deep_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="too long for a socket"):
        Home(tmp_path / ("x" * 100)).make()


def test_a_home_where_others_may_write_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "s"
    root.mkdir()
    root.chmod(0o777)

    with pytest.raises(StackError, match="others may write"):
        Home(root).make()


@pytest.mark.usefixtures("socket_enabled")
def test_ports_differ_and_are_kept_for_the_next_start(home: Home) -> None:
    first = layout.choose_ports(home, NOBODY_RUNS)

    assert set(first) == set(PORT_NAMES)
    assert len(set(first.values())) == len(PORT_NAMES)
    assert layout.choose_ports(home, NOBODY_RUNS) == first


@pytest.mark.usefixtures("socket_enabled")
def test_a_port_taken_by_a_stranger_is_replaced(home: Home) -> None:
    first = layout.choose_ports(home, NOBODY_RUNS)
    with socket.create_server((LOOPBACK, first[REDIS])):
        second = layout.choose_ports(home, NOBODY_RUNS)

    assert second.pop(REDIS) != first.pop(REDIS)
    assert second == first


@pytest.mark.usefixtures("socket_enabled")
def test_a_port_held_by_the_part_itself_stays(home: Home) -> None:
    first = layout.choose_ports(home, NOBODY_RUNS)
    with socket.create_server((LOOPBACK, first[KAFKA])):
        assert layout.choose_ports(home, frozenset({KAFKA})) == first


def test_passwords_are_made_once_and_for_the_owner_only(home: Home) -> None:
    first = layout.load_secrets(home)

    assert layout.load_secrets(home) == first
    assert len(set(first.values())) == len(layout.SECRET_NAMES)
    assert _mode(home.secrets_file) == 0o600


def test_a_damaged_file_is_named(home: Home) -> None:
    home.secrets_file.write_text("[]")

    with pytest.raises(StackError, match=r"secrets\.json is damaged"):
        layout.load_secrets(home)


@pytest.mark.usefixtures("socket_enabled")
def test_the_addresses_are_complete_and_for_the_owner_only(home: Home) -> None:
    ports = layout.choose_ports(home, NOBODY_RUNS)
    passwords = layout.load_secrets(home)
    service.write_files(home)

    lines = dict(line.split("=", 1) for line in home.env_file.read_text().splitlines())
    assert set(lines) == {
        "DATABASE_URL",
        "DATABASE_OWNER_URL",
        "DATABASE_REPLICA_URL",
        *("DATABASE_ERASER_URL", "DATABASE_REAPER_URL", "DATABASE_READONLY_URL"),
        "REDIS_URL",
        "KAFKA_BOOTSTRAP_SERVERS",
        "STACK_HOME",
    }
    own = f"mysql://app:{passwords['app']}@127.0.0.1:{ports[PRIMARY]}/wallet"
    assert lines["DATABASE_URL"] == own
    assert _mode(home.env_file) == 0o600


@pytest.mark.usefixtures("socket_enabled")
def test_the_description_tells_how_to_start_a_part_and_no_password(home: Home) -> None:
    layout.choose_ports(home, NOBODY_RUNS)
    passwords = layout.load_secrets(home)
    service.write_files(home)

    text = home.state_file.read_text()
    part = json.loads(text)["parts"][REDIS]
    assert part["pid"] is None
    assert part["start"][-2:] == ["start", REDIS]
    assert not any(password in text for password in passwords.values())


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
