"""The I/O of the lane: what the other binding's thread waits for, awaited on one loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.conf import settings

from wallet_project.kit import replica
from wallet_project.kit.group_fetch import Found, GroupFetch
from wallet_project.kit.offload import Batcher, Handover, Workers
from wallet_project.kit.rate_limit import Verdict
from wallets import balance_cache, balances, credentials, hold_queries, identity, metrics
from wallets.api import authentication, throttling
from wallets.api.authentication import Principal
from wallets.api.calls import Call
from wallets.api.parsing import ParsedMovement
from wallets.api.throttling import RouteClass
from wallets.balances import BalanceView, PastBalanceView, PastQuestion, Question
from wallets.credentials import Credential, Owner
from wallets.holds import HoldRecord
from wallets.identity import WalletIdentity
from wallets.operations import _rails, accept_operation, group_commit
from wallets.operations._commands import MovementCommand, Outcome
from wallets.operations.accept_operation import Accepted
from wallets.operations.group_commit import Announcement
from wallets.tokens.checking import SignedToken

READERS: Final = 8
"""Threads that ask the databases for readers."""
WRITERS: Final = 4
"""Threads that open wallets and make accounts of payment rails."""
LISTERS: Final = 2
"""Threads that execute bulks, which may take a second each."""
KEEPERS: Final = 2
"""Threads that look up keys; apart, or whoever waits for a primary that hangs would keep out those
whom Redis and the replica could answer."""

ISSUER_WAITERS: Final = 2
"""Threads that wait for the token issuer's keys; apart, for they may wait for seconds."""


class Adapters:
    """What the routes wait with. Belongs to the loop in which it was made."""

    def __init__(self) -> None:
        self.readers = Workers("express-read", threads=READERS, waiting_max=READERS * 32)
        self.writers = Workers("express-write", threads=WRITERS, waiting_max=WRITERS * 32)
        self.listers = Workers("express-bulk", threads=LISTERS, waiting_max=LISTERS * 32)
        self._keepers = Workers("express-keys", threads=KEEPERS, waiting_max=KEEPERS * 32)
        self._issuer = Workers("express-issuer", threads=ISSUER_WAITERS, waiting_max=64)
        self._commands = Handover(group_commit.submit_all)
        self._acceptances = Handover(accept_operation.submit_all)
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
        for workers in (self.readers, self.writers, self.listers, self._keepers, self._issuer):
            workers.close()

    async def authenticate(self, call: Call) -> Principal:
        """Tell whose call it is, like `authentication.authenticate`.

        :raises Unauthenticated: without a valid credential.
        :raises IssuerUnavailable: if a token cannot be judged now.
        """
        shown = authentication.presented(call)
        if shown is None:
            return authentication.loopback_principal(await self._owner(settings.DEMO_CLIENT))
        if isinstance(shown, SignedToken):
            issuer = authentication.issuer()
            key = issuer.known(shown.kid)
            if key is None:
                key = await self._issuer.run(issuer.find, shown.kid)
            claims = authentication.claims_of(shown, key)
            return authentication.admit_token(claims, await self._owner(claims.client_name))
        known = credentials.remembered(shown.prefix)
        return authentication.admit(
            shown,
            known.found if known is not None else await self._keys.ask(shown.prefix),
            call.peer,
        )

    async def _owner(self, name: str) -> Owner | None:
        known = credentials.remembered_owner(name)
        return known.found if known is not None else await self._owners.ask(name)

    def take(
        self, principal: Principal, route_class: RouteClass, weight: int
    ) -> asyncio.Future[Verdict]:
        """Take from a client's buckets."""
        taken = throttling.weight_at_door(principal, weight)
        return self._redis.take(throttling.client_buckets(principal, route_class, taken))

    async def charge_withdrawal(self, call: Call, principal: Principal) -> None:
        """Take a withdrawal for a call that was counted as a request, like `charge_list`.

        :raises BulkExceedsPlan, RateLimited: as they say; nothing is taken then.
        """
        throttling.check_list(principal, 1, 1)
        verdict = await self._redis.take(
            throttling.client_buckets(principal, weight=0, withdrawals=1)
        )
        call.limits = verdict.headers()
        throttling.hold_to(verdict)

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

    async def hold(self, principal: Principal, name: str) -> tuple[HoldRecord, WalletIdentity]:
        """Find a hold of the caller's that it may end, and its wallet.

        :raises HoldNotFound, HoldOfPayout: as they say.
        """
        return await self.readers.run(hold_queries.identify_to_end, principal.client, name)

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
        await self.learn(movement.unknown_rail)
        return movement.command(destination)

    async def learn(self, rail: _rails.Rail | None) -> None:
        """Learn about a payment rail, if there is one to be learnt.

        :raises TooManyChannels: if that is one payment rail too many.
        """
        if rail is not None:
            await self._rails.ask(rail)

    async def execute(self, command: MovementCommand, announced: Announcement | None) -> Outcome:
        """Queue a command and wait for its outcome, like `group_commit.run`.

        :raises Unavailable: when it was not executed, or when its outcome is not known.
        """
        if not settings.GROUP_COMMIT_SHARED:
            return await self.writers.run(group_commit.run, command)
        started = time.monotonic()
        (announced or Announcement()).fulfil()
        ending = self._commands.ask(command)
        ending.add_done_callback(lambda ended: group_commit.count(command, ended, started))
        outcome = await ending
        if outcome.balances:
            await self._redis.put([balance_cache.copy_of(one) for one in outcome.balances])
        return outcome

    async def accept(self, command: MovementCommand) -> Accepted:
        """Have an operation accepted, like `accept_operation.accept`.

        :raises KeyReused: if the key has already named another command.
        :raises Unavailable: when it was not accepted, or when that is not known.
        """
        if not settings.GROUP_COMMIT_SHARED:
            return await self.writers.run(accept_operation.accept, command)
        started = time.monotonic()
        ending = self._acceptances.ask(command)
        ending.add_done_callback(lambda ended: accept_operation.count(ended, started))
        return accept_operation.unwrap(await ending)


def _look_up_keys(prefixes: Sequence[str]) -> list[Credential | BaseException | None]:
    return [credentials.look_up(prefix).found for prefix in prefixes]


def _look_up_owners(names: Sequence[str]) -> list[Owner | BaseException | None]:
    return [credentials.look_up_owner(name).found for name in names]
