"""Settings of how much is taken on at once, and of how often; `settings.py` takes them all."""

from __future__ import annotations

from typing import Final

from wallet_project import env

_SHARE: Final = 4

# --- Throttles -------------------------------------------------------------------------------

ADDRESS_REQUESTS_PER_MINUTE = env.number("ADDRESS_REQUESTS_PER_MINUTE", 600, least=1)
"""Calls that show no valid key, by the address at the other end. Clients' limits are plans."""

CLIENT_CALLS_MAX = env.number("CLIENT_CALLS_MAX", 256, least=1)
"""How many calls of one client a lane process works on at once."""

# --- Bulkheads of the Django processes -------------------------------------------------------

WEB_THREADS = env.number("WEB_THREADS", 32, least=1)
"""How many calls a process works on at once."""
WEB_READ_THREADS = env.number(
    "WEB_READ_THREADS", max(1, WEB_THREADS - WEB_THREADS // _SHARE), least=1
)
"""How many of them for all that moves no money; the others are there for money and health."""
WEB_LIST_THREADS = env.number("WEB_LIST_THREADS", max(1, WEB_THREADS // _SHARE), least=1)
"""How many of those for lists, statements and exports."""
WEB_OFFICE_THREADS = env.number("WEB_OFFICE_THREADS", max(1, WEB_THREADS // _SHARE), least=1)
"""How many of those for the back office, its reports too."""
WEB_CLIENT_THREADS = env.number(
    "WEB_CLIENT_THREADS", max(1, WEB_THREADS - WEB_THREADS // _SHARE), least=1
)
"""How many threads one client may occupy, whatever it asks for."""
