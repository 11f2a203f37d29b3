"""So many connections, each sending its next request when it has its answer: `wrk`.

wrk costs little CPU next to the service, so that both fit on one machine. Its percentiles contain
its own correction for coordinated omission.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
from pathlib import Path
from typing import Final

from deploy.stack import packages
from tests.bench.answers import Answers
from tests.bench.messages import Address

_SCRIPT: Final = Path(__file__).with_name("replay.lua")
_TIMEOUT_SECONDS: Final = 15


class ClientFailed(Exception):
    """The client did not measure anything."""


def ensure_client() -> None:
    """Install wrk if it is missing.

    :raises StackError: when it is missing and cannot be installed from here.
    """
    packages.ensure([packages.Need(("wrk",), lambda: shutil.which("wrk") is not None)])


def run(address: Address, file: Path, *, connections: int, seconds: float, again: bool) -> Answers:
    """Send the file's requests for so many seconds; begin anew at its end if they may be repeated.

    :raises ClientFailed: when wrk could not run.
    """
    before = _children_cpu()
    done = subprocess.run(
        [
            *("wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"),
            *(f"--timeout={_TIMEOUT_SECONDS}s", "-s", str(_SCRIPT), address.url),
            *("--", str(file), "again" if again else "once"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    line = next((one for one in done.stdout.splitlines() if one.startswith("RESULT ")), None)
    if done.returncode != 0 or line is None:
        raise ClientFailed(f"wrk failed: {(done.stdout + done.stderr).strip()[-500:]}")
    found = json.loads(line.removeprefix("RESULT "))
    return Answers(
        seconds=found["seconds"],
        statuses={int(status): count for status, count in found["statuses"].items()},
        latency_ms={name: found[name] for name in found if name.endswith("_ms")},
        broken=found["broken"],
        exhausted=found["exhausted"],
        client_cpu_seconds=_children_cpu() - before,
    )


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
