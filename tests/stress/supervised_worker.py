"""A Celery worker under the service's own supervisor: `… FOLDER WORDS`, until SIGTERM.

Its log, and nothing else, is in the folder.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from deploy.starter.supervisor import Program, Supervisor, end_with_a_sentence


def main() -> int:
    """Start one worker, and start it again whenever it ends."""
    folder, words = Path(sys.argv[1]), sys.argv[2:]
    command = [sys.executable, "-m", "celery", "--app", "wallet_project", "worker", *words]

    def run() -> None:
        with Supervisor(folder) as supervisor:
            supervisor.start(Program("worker", command, os.environ))
            supervisor.watch()

    return end_with_a_sentence(run)


if __name__ == "__main__":
    sys.exit(main())
