"""Processes are recognised before they are signalled, and ended for good."""

import os
import signal
import sys

import pytest

from deploy.stack import processes
from deploy.stack.errors import StackError
from deploy.stack.layout import REDIS, Home
from deploy.stack.processes import Command

PATIENT = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
HASTY = "import sys; print('no such disk'); sys.exit(3)"


@pytest.fixture
def started(home: Home) -> int:
    """Start a process in place of Redis."""
    return _spawn(home, PATIENT)


def _spawn(home: Home, program: str) -> int:
    """Start a program with a file of the part on its command line, as every server has one."""
    folder = home.part(REDIS)
    folder.mkdir(exist_ok=True)
    script = folder / "server.py"
    script.write_text(program)
    return processes.spawn(home, REDIS, Command([sys.executable, str(script)]))


def test_a_started_process_is_found_and_stopped(home: Home, started: int) -> None:
    assert processes.find_pid(home, REDIS) == started
    assert os.getsid(started) == started  # the terminal's end is not its end

    assert processes.stop(home, REDIS)
    assert processes.find_pid(home, REDIS) is None
    assert not processes.stop(home, REDIS)


def test_a_paused_process_is_stopped(home: Home, started: int) -> None:
    os.kill(started, signal.SIGSTOP)

    assert processes.stop(home, REDIS, limit=10)
    assert processes.find_pid(home, REDIS) is None


def test_a_process_that_does_not_listen_is_killed(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    ready = home.root / "ready"
    _spawn(home, f"{STUBBORN}open({str(ready)!r}, 'w').close(); {PATIENT}")
    processes.wait_ready(home, REDIS, ready.exists, limit=10)

    assert processes.stop(home, REDIS, limit=0.2)
    assert processes.find_pid(home, REDIS) is None
    assert "is killed" in capsys.readouterr().err


def test_a_stranger_with_the_old_pid_is_left_alone(home: Home) -> None:
    home.pid_file(REDIS).write_text(str(os.getpid()))

    assert processes.find_pid(home, REDIS) is None
    assert processes.send(home, REDIS, signal.SIGKILL) is None


@pytest.mark.parametrize("content", ["", "no number", "99999999"])
def test_a_pid_file_that_names_nobody_counts_as_stopped(home: Home, content: str) -> None:
    home.pid_file(REDIS).write_text(content)

    assert processes.find_pid(home, REDIS) is None


def test_a_process_that_ends_at_once_shows_its_last_words(home: Home) -> None:
    _spawn(home, HASTY)

    with pytest.raises(StackError, match=r"redis ended while starting(.|\n)*no such disk"):
        processes.wait_ready(home, REDIS, lambda: False, limit=10)


@pytest.mark.usefixtures("started")
def test_a_process_that_never_answers_is_given_up(home: Home) -> None:
    with pytest.raises(StackError, match="did not answer within 0 s"):
        processes.wait_ready(home, REDIS, lambda: False, limit=0.1)
    processes.stop(home, REDIS)


def test_a_preparing_step_that_fails_shows_its_last_words(home: Home) -> None:
    home.part(REDIS).mkdir()

    with pytest.raises(StackError, match=r"could not be prepared \(exit 3\)(.|\n)*no such disk"):
        processes.run_step(home, REDIS, Command([sys.executable, "-c", HASTY]))
