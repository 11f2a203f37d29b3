"""The I/O of the lane: what the other binding's thread waits for, awaited on one loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.conf import settings

from wallet_project.kit import replica
from wallet_project.kit.group_fetch import Found, GroupFetch
from wallet_project.kit.offload import Batcher, Handover, Workers
from wallet_project.kit.rate_limit import Verdict
from wallets import balance_cache, balances, credentials, identity, metrics
from wallets.api import authentication, throttling
from wallets.api.authentication import Principal
from wallets.api.calls import Call
from wallets.api.parsing import ParsedMovement
from wallets.api.throttling import RouteClass
from wallets.balances import BalanceView, PastBalanceView, PastQuestion, Question
from wallets.credentials import Credential, Owner
from wallets.identity import WalletIdentity
from wallets.operations import _rails, group_commit
from wallets.operations._commands import MovementCommand, Outcome

READERS: Final = 8
"""Threads that ask the databases for readers."""
WRITERS: Final = 4
"""Threads that open wallets and make accounts of payment rails."""
LISTERS: Final = 2
"""Threads that execute bulks, which may take a second each."""
KEEPERS: Final = 2
"""Threads that look up keys; apart, or whoever waits for a primary that hangs would keep out those
whom Redis and the replica could answer."""


class Adapters:
    """What the routes wait with. Belongs to the loop in which it was made."""

    def __init__(self) -> None:
        self.readers = Workers("express-read", threads=READERS, waiting_max=READERS * 32)
        self.writers = Workers("express-write", threads=WRITERS, waiting_max=WRITERS * 32)
        self.listers = Workers("express-bulk", threads=LISTERS, waiting_max=LISTERS * 32)
        self._keepers = Workers("express-keys", threads=KEEPERS, waiting_max=KEEPERS * 32)
        self._handover = Handover()
        self._redis = GroupFetch(
            settings.REDIS_URL,
            local=throttling.limiter().local,
            kept=replica.FRESH,
            on_fallback=metrics.LIMITER_FALLBACK.set,
        )
        self._keys = Batcher(_look_up_keys, self._keepers)
        self._owners = Batcher(_look_up_owners, self._keepers)
        self._rails: Batcher[_rails.Rail, UUID] = Batcher(_rails.learn, self.writers)
        self._identities = Batcher(identity.find_each, self.readers)
        self._balances: Batcher[Question, BalanceView] = Batcher(balances.balances, self.readers)
        self._past: Batcher[PastQuestion, PastBalanceView] = Batcher(
            balances.past_balances, self.readers
        )

    async def close(self) -> None:
        """Let go of threads and connections, when the last call has been answered."""
        await self._redis.close()
        for workers in (self.readers, self.writers, self.listers, self._keepers):
            workers.close()

    async def authenticate(self, call: Call) -> Principal:
        """Tell whose call it is, like `authentication.authenticate`.

        :raises Unauthenticated: without a valid credential.
        """
        key = authentication.presented_key(call)
        if key is None:
            name = settings.DEMO_CLIENT
            owner = credentials.remembered_owner(name)
            return authentication.loopback_principal(
                owner.found if owner is not None else await self._owners.ask(name)
            )
        known = credentials.remembered(key.prefix)
        return authentication.admit(
            key, known.found if known is not None else await self._keys.ask(key.prefix)
        )

    def take(self, principal: Principal, route_class: RouteClass) -> asyncio.Future[Verdict]:
        """Take from a client's buckets."""
        return self._redis.take(throttling.client_buckets(principal, route_class))

    async def charge_address(self, call: Call, *, weight: int = 1) -> Verdict:
        """Take from the bucket of the address, or with a weight of 0 look at it."""
        verdict = await self._redis.take((throttling.address_bucket(call.peer, weight),))
        call.limits = verdict.headers()
        return verdict

    async def wallet(
        self, principal: Principal, name: str, *, field: str = "walletId"
    ) -> WalletIdentity:
        """Find a wallet of the caller's by id or reference.

        :raises WalletNotFound: if the caller has none of that name.
        """
        client = principal.client
        found = identity.known(client, name) or await self._identities.ask((client, name))
        return identity.require(found, field=field)

    def ahead(self, principal: Principal, name: str) -> asyncio.Future[Found] | None:
        """Look a wallet's money up in Redis on the way of the throttle, if it is known which."""
        found = identity.known(principal.client, name)
        return None if found is None else self._redis.get(balance_cache.key_of(found.id))

    async def cached(self, wallet: WalletIdentity) -> Found:
        """Look a wallet's money up in Redis."""
        return await self._redis.get(balance_cache.key_of(wallet.id))

    async def balance(self, question: Question, cached: Found) -> BalanceView:
        """Tell a wallet's money now: from what Redis had, else from the databases.

        :raises VersionNotReached, WalletNotFound: as they say.
        """
        copy = balance_cache.read(question.identity.id, cached)
        return balances.from_cache(question, copy) or await self._balances.ask(question)

    async def past_balance(self, question: PastQuestion) -> PastBalanceView:
        """Tell a wallet's money at a moment.

        :raises TimestampInFuture, VersionNotReached, WalletNotFound: as they say.
        """
        return await self._past.ask(question)

    async def command(
        self, movement: ParsedMovement, destination: WalletIdentity | None
    ) -> MovementCommand:
        """Make the spine's command; learn about its payment rail first, once for all who wait.

        :raises TooManyChannels: if that is one payment rail too many.
        """
        rail = movement.unknown_rail
        if rail is not None:
            await self._rails.ask(rail)
        return movement.command(destination)

    async def execute(self, command: MovementCommand) -> Outcome:
        """Queue a command and wait for its outcome, like `group_commit.run`.

        :raises Unavailable: when it was not executed, or when its outcome is not known.
        """
        if not settings.GROUP_COMMIT_SHARED:
            return await self.writers.run(group_commit.run, command)
        future = group_commit.submit(command)
        try:
            outcome = await self._handover.wait(future, seconds=group_commit.WAIT_SECONDS)
        except TimeoutError:
            raise group_commit.taking_too_long() from None
        if outcome.balances:
            await self._redis.put([balance_cache.copy_of(one) for one in outcome.balances])
        return outcome


def _look_up_keys(prefixes: Sequence[str]) -> list[Credential | BaseException | None]:
    return [credentials.look_up(prefix).found for prefix in prefixes]


def _look_up_owners(names: Sequence[str]) -> list[Owner | BaseException | None]:
    return [credentials.look_up_owner(name).found for name in names]
