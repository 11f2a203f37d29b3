"""Settings of a test run: the real ones, with a home and a secret of the run's own."""

import os
import tempfile
from pathlib import Path

_home = os.environ.get("TEST_HOME") or tempfile.mkdtemp(prefix="wallet-tests-")
os.environ["TEST_HOME"] = _home  # processes started by a test share it
os.environ["WALLET_HOME"] = _home
os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 40)
os.environ.setdefault("KAFKA_TOPIC_PREFIX", f"test-{Path(_home).name}.")
os.environ.setdefault("REDIS_KEY_PREFIX", f"test-{Path(_home).name}.")

from wallet_project.settings import *  # noqa: E402, F403

# What a test itself looks up, it looks up where it was written. The service names its databases.
DATABASE_ROUTERS = ["tests.databases.OnPrimary"]
