"""The short dialect's routes, carried by DRF: each reads, makes one call, answers."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request

from wallets import queries
from wallets.api import parameters
from wallets.api.binding import READS, ApiView
from wallets.api.parsing import Verb
from wallets.api.short import documentation, parsing, rendering
from wallets.api.throttling import RouteClass
from wallets.idempotency import Key
from wallets.models import Scope
from wallets.operations import by_name, group_commit
from wallets.operations.by_name import Payee


class ShortView(ApiView):
    """Base of the dialect's routes."""

    def sent_key(self) -> Key | None:
        """Read `Idempotency-Key`, or `X-Request-ID` where there is none.

        :raises InvalidIdempotencyKey: if it cannot be one.
        """
        return super().sent_key() or parsing.request_id_key(self.call, self.principal)

    def payee(self, name: str, *, field: str = "walletId") -> Payee:
        """Find the caller's wallet of that name, or plan to make it.

        :raises WalletNotFound, FieldInvalid: if there is none and none can be made.
        """
        return by_name.payee(
            client=self.principal.client,
            client_name=self.principal.client_name,
            name=name,
            field=field,
        )

    def movement(self, verb: Verb, payee: Payee) -> parsing.ShortMovement:
        """Read what the body asks for."""
        return parsing.movement(verb, payee.wallet, self.call, self.principal, self.body())


@extend_schema_view(post=documentation.DEPOSIT)
class DepositView(ShortView):
    """Deposits under a name."""

    scopes = {"POST": Scope.TRANSACTIONS_WRITE}
    moves_money = True

    def post(self, request: Request, name: str) -> HttpResponse:
        """Deposit, into a new wallet if there is none of the name."""
        payee = self.payee(name)
        asked = self.movement(Verb.DEPOSIT, payee)
        outcome = group_commit.run(by_name.deposit(payee=payee, request=asked.request))
        return self.answer(rendering.moved(self.call, name, outcome))


@extend_schema_view(post=documentation.WITHDRAW)
class WithdrawView(ShortView):
    """Withdrawals under a name."""

    scopes = {"POST": Scope.TRANSACTIONS_WRITE}
    moves_money = True
    route_class = RouteClass.WITHDRAWAL

    def post(self, request: Request, name: str) -> HttpResponse:
        """Withdraw from a wallet that exists."""
        wallet = self.wallet(name)
        asked = self.movement(Verb.WITHDRAW, Payee(wallet))
        outcome = group_commit.run(by_name.withdraw(wallet=wallet, request=asked.request))
        return self.answer(rendering.moved(self.call, name, outcome))


@extend_schema_view(post=documentation.TRANSFER)
class TransferView(ShortView):
    """Transfers under a name."""

    scopes = {"POST": Scope.TRANSACTIONS_WRITE}
    moves_money = True

    def post(self, request: Request, name: str) -> HttpResponse:
        """Transfer from a wallet that exists, to a new one if there is none of the name."""
        source = self.wallet(name)
        asked = self.movement(Verb.TRANSFER, Payee(source))
        payee = self.payee(asked.to, field="toWalletId")
        outcome = group_commit.run(
            by_name.transfer(source=source, payee=payee, request=asked.request)
        )
        return self.answer(rendering.transferred(self.call, name, asked.to, outcome))


@extend_schema_view(get=documentation.GET_BALANCE)
class BalanceView(ShortView):
    """What a wallet has."""

    scopes = {"GET": Scope.WALLETS_READ, "HEAD": Scope.WALLETS_READ}

    def get(self, request: Request, name: str) -> HttpResponse:
        """Tell a wallet's balance."""
        asked = parameters.min_version(self.call)
        view = queries.balance(self.wallet(name), min_version=asked)
        return self.answer(rendering.balance(self.call, name, view))


@extend_schema_view(get=documentation.LIST_HISTORY)
class HistoryView(ShortView):
    """What happened to a wallet."""

    scopes = {"GET": Scope.TRANSACTIONS_READ, "HEAD": Scope.TRANSACTIONS_READ}
    takes_query = READS

    def get(self, request: Request, name: str) -> HttpResponse:
        """List what happened to a wallet, oldest first."""
        asked = parameters.offset_query(self.call, limit_default=documentation.HISTORY_DEFAULT)
        page = queries.history_oldest_first(
            self.wallet(name),
            offset=asked.offset,
            limit=asked.limit,
            min_version=parameters.min_version(self.call),
        )
        return self.answer(rendering.history(self.call, page))
