"""Settings of a test run: the real ones, with a home and a secret of the run's own."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

_home = os.environ.get("TEST_HOME") or tempfile.mkdtemp(prefix="wallet-tests-")
os.environ["TEST_HOME"] = _home  # processes started by a test share it
os.environ["WALLET_HOME"] = _home
os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 40)
os.environ.setdefault("KAFKA_TOPIC_PREFIX", f"test-{Path(_home).name}.")
# Tests call from more threads than a process has; those of the limit lower it.
os.environ.setdefault("WEB_CLIENT_THREADS", "1000")
os.environ.setdefault("REDIS_KEY_PREFIX", f"test-{Path(_home).name}.")

from wallet_project.settings import *  # noqa: E402, F403

# What a test itself looks up, it looks up where it was written. The service names its databases.
DATABASE_ROUTERS = ["tests.databases.OnPrimary"]

# Static files are looked for when one is asked for, not by each caller that a test makes.
WHITENOISE_AUTOREFRESH = True

# How costly a guess is in production is held by a test of the settings there.
PASSWORD_HASHERS = ["tests.hashers.QuickArgon2"]

# A crowd in a test's own process must not be turned away because its machine paused for a moment.
# What is refused when, the queue's own tests say; services that tests start have the real limit.
GROUP_COMMIT = replace(GROUP_COMMIT, queue_age_seconds=7.0)  # noqa: F405
