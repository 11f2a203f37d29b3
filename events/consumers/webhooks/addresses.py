"""Which addresses may be sent to. A client must not reach, through us, what only we can reach.

A URL is looked at when it is given and before every attempt. A name is looked up once for each
attempt; if any of its addresses is forbidden, none is used, and the connection goes to the very
addresses that were looked at: a name that changes its mind in between changes nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

from events.consumers.webhooks.errors import UrlNotAllowed
from events.consumers.webhooks.rules import Rules

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Lookup = Callable[[str, int], Awaitable[list[str]]]
"""From host and port to addresses as text; raises OSError if there is none."""

_LONGEST_HOST: Final = 253
_LOOKUP_THREADS: Final = 64
_SCHEMES: Final = ("https", "http")
_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
# The last label has a letter that is no hexadecimal number's: `127.1` and `0x7f.1` are addresses.
_NAME = re.compile(rf"(?:{_LABEL}\.)*(?![0-9]+\Z|0x[0-9a-f]*\Z){_LABEL}", re.ASCII | re.IGNORECASE)
_PRINTABLE = re.compile(r"[\x21-\x7e]+", re.ASCII)
_GLOBAL_IPV6: Final = ipaddress.ip_network("2000::/3")
# They carry an IPv4 address that a gateway would unpack.
_FORMER_RELAYS: Final = ipaddress.ip_network("192.88.99.0/24")
_TUNNELS: Final = tuple(map(ipaddress.ip_network, ("2001::/32", "2002::/16")))


class ForbiddenAddress(OSError):
    """A name leads to an address that may not be sent to."""


def check_url(url: str, rules: Rules) -> str:
    """Return a URL that may be sent to as far as can be told without a look-up.

    :raises UrlNotAllowed: otherwise.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refused("It is not a URL.") from None
    host = parts.hostname or ""
    if parts.scheme not in _SCHEMES or (parts.scheme == "http" and not rules.allow_http):
        raise _refused("It must begin with https://.")
    if parts.username is not None or parts.password is not None:
        raise _refused("It may not hold a user name or a password.")
    if parts.fragment or "\\" in url or not _PRINTABLE.fullmatch(url):
        raise _refused("It may not hold a fragment, blanks, or characters outside ASCII.")
    if port is not None and (port == 0 or (rules.ports and port not in rules.ports)):
        raise _refused(f"The port must be {' or '.join(map(str, rules.ports))}.")
    address = _literal(host)
    if address is None and (len(host) > _LONGEST_HOST or not _NAME.fullmatch(host)):
        raise _refused("The host is neither a name nor an address in its usual form.")
    if address is not None and not is_allowed(address, rules):
        raise _refused("The address is not a public one.")
    if address is None and host.rpartition(".")[2].lower() == "localhost" and not rules.networks:
        raise _refused("The address is not a public one.")
    return url


def is_allowed(address: Address, rules: Rules) -> bool:
    """Tell whether an address may be sent to: a public one, or one of the networks allowed."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address in network for network in rules.networks):
        return True
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id or address not in _GLOBAL_IPV6:
            return False
        if any(address in tunnel for tunnel in _TUNNELS):
            return False
    if address in _FORMER_RELAYS:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class Resolver(AbstractResolver):
    """Looks a name up once and answers with addresses that have all been looked at."""

    def __init__(self, rules: Rules, lookup: Lookup | None = None) -> None:
        self._rules = rules
        self._lookup = lookup or _SystemLookup()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a name.

        :raises ForbiddenAddress: if one of them may not be sent to.
        :raises OSError: if there is none, or nobody answers in time.
        """
        async with asyncio.timeout(self._rules.connect_seconds):
            found = [ipaddress.ip_address(one) for one in await self._lookup(host, port)]
        if not found or not all(is_allowed(address, self._rules) for address in found):
            raise ForbiddenAddress(f"{host} leads to an address that is not public")
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    async def close(self) -> None:
        """Hold nothing that could be released."""

    def open_socket(self, target: tuple[Any, ...]) -> socket.socket:
        """Open the socket of a connection; the last look at where it goes, whoever chose it.

        :raises ForbiddenAddress: if it may not go there.
        """
        family, kind, protocol, _, where = target
        if not is_allowed(ipaddress.ip_address(where[0]), self._rules):
            raise ForbiddenAddress(f"{where[0]} is not a public address")
        return socket.socket(family, kind, protocol)


class _SystemLookup:
    """Asks the system, in threads of its own: a name server that hangs keeps one of them."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LOOKUP_THREADS, thread_name_prefix="webhook-lookup")
        self._running: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def __call__(self, host: str, port: int) -> list[str]:
        running = self._running.get((host, port))
        if running is None:
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._threads, _addresses_of, host, port)
            self._running[host, port] = running
            running.add_done_callback(lambda _: self._running.pop((host, port), None))
        return await asyncio.shield(running)


def _addresses_of(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(where[0]) for *_, where in found))


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _refused(detail: str) -> UrlNotAllowed:
    return UrlNotAllowed(detail, field="url")
