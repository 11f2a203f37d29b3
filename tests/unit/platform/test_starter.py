"""The starter: notes, locks, and children that neither stay dead nor stay behind."""

from __future__ import annotations

import os
import signal
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.starter import supervisor as supervising
from deploy.starter.code import code_of, uri_of
from deploy.starter.errors import StartError, Stopped
from deploy.starter.greeting import Greeting
from deploy.starter.home import Home
from deploy.starter.supervisor import Program, Supervisor


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
    before = {number: signal.getsignal(number) for number in numbers}
    with Supervisor(tmp_path) as made:
        yield made
    for number, handler in before.items():
        signal.signal(number, handler)


def _python(name: str, code: str) -> Program:
    return Program(name, (sys.executable, "-c", code), dict(os.environ))


def _wait_for(path: Path, text: str) -> None:
    deadline = time.monotonic() + 20
    while not (path.exists() and text in path.read_text()):
        assert time.monotonic() < deadline, f"{text} never came"
        time.sleep(0.02)


def test_what_a_step_prints_is_returned_and_not_logged(supervisor: Supervisor) -> None:
    step = _python("step", "import sys; print('hunter2'); print('said', file=sys.stderr)")
    assert supervisor.run_step(step) == "hunter2\n"
    assert supervisor.log("step").read_text() == "said\n"


def test_a_step_that_fails_shows_the_end_of_its_log(supervisor: Supervisor) -> None:
    with pytest.raises(StartError, match=r"(?s)step failed \(exit 1\).*no such table"):
        supervisor.run_step(_python("step", "raise SystemExit('no such table')"))


def test_a_child_that_ends_is_started_again_after_a_pause(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(supervising, "BACK_OFF_SECONDS", (0.01,))
    code = "import os, time; print('born', os.getpid(), flush=True); time.sleep(0.05)"
    supervisor.start(_python("web", code))
    log = supervisor.log("web")

    def stop_at_the_third(seconds: float) -> None:
        if log.exists() and log.read_text().count("born") >= 3:
            raise Stopped
        time.sleep(0.01)

    monkeypatch.setattr(supervisor, "wait", stop_at_the_third)
    with pytest.raises(Stopped):
        supervisor.watch()
    assert "web ended (exit 0) and is started again in 0.01 s" in capsys.readouterr().err
    monkeypatch.undo()


def test_a_signal_ends_the_wait(supervisor: Supervisor) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(Stopped):
        supervisor.wait(20)


def test_leaving_ends_children_and_what_they_started(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time;"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print('grandchild', p.pid, flush=True); time.sleep(60)"
    )
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(_python("web", code))
        _wait_for(supervisor.log("web"), "grandchild")
        pid = int(supervisor.log("web").read_text().split()[1])
    deadline = time.monotonic() + 10
    while _lives(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _lives(pid)


def test_notes_are_private_and_survive(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.read_demo() == {}
    home.note_demo(DEMO_API_KEY="a.b=c")
    home.note_demo(DEMO_WALLET_ALICE="1")
    assert home.read_demo() == {"DEMO_API_KEY": "a.b=c", "DEMO_WALLET_ALICE": "1"}
    assert stat.S_IMODE(home.demo_file.stat().st_mode) == 0o600


def test_a_second_start_keeps_the_secret_key_and_forgets_counters(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    first = home.secret_key_file.read_text()
    (home.metrics / "counter_1.db").touch()
    home.prepare()
    assert home.secret_key_file.read_text() == first
    assert list(home.metrics.iterdir()) == []


def test_a_folder_serves_one_start_at_a_time(tmp_path: Path) -> None:
    home = Home(tmp_path)
    claim = home.lock()
    with pytest.raises(StartError, match="already runs"):
        home.lock()
    os.close(claim)
    os.close(home.lock())


def test_a_demo_authenticator_shows_what_the_standard_says() -> None:
    """RFC 6238, appendix B, the last six digits of each."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    shown = {59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"}
    assert {moment: code_of(secret, moment) for moment in shown} == shown
    assert f"secret={secret}&" in uri_of("admin", secret)


@pytest.mark.parametrize("needs_key", [True, False])
def test_calls_carry_the_key_only_where_it_is_needed(tmp_path: Path, needs_key: bool) -> None:
    demo = {
        "DEMO_API_KEY": "pre.secret",
        "DEMO_ADMIN_USER": "admin",
        "DEMO_ADMIN_PASSWORD": "x",
        "DEMO_ADMIN_SECRET": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
        "DEMO_WALLET_ALICE": "w",
    }
    text = Greeting(Home(tmp_path), 8080, demo, needs_key=needs_key).text()
    assert text.count("Bearer pre.secret") == (3 if needs_key else 0)
    assert "http://localhost:8080/api/v1/wallets/w/deposit" in text


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
