"""The API's routes, carried by DRF: each reads, makes one call, answers."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request

from ledger.errors import EntryNotFound
from wallets import identity, queries
from wallets.api import (
    bulk,
    documentation,
    documentation_books,
    documentation_status,
    parameters,
    parsing,
    rendering,
)
from wallets.api.binding import READS, ApiView
from wallets.api.parsing import Verb
from wallets.api.throttling import HEAVY, ReadClass, RouteClass
from wallets.identity import parse_uuid
from wallets.models import Scope
from wallets.operations import group_commit
from wallets.operations.close_wallet import close_wallet
from wallets.operations.freeze_wallet import freeze_wallet
from wallets.operations.open_wallet import open_wallet
from wallets.operations.unfreeze_wallet import unfreeze_wallet
from wallets.operations.update_metadata import update_metadata
from wallets.trial_balance import trial_balance


@extend_schema_view(get=documentation.LIST_WALLETS, post=documentation.OPEN_WALLET)
class WalletsView(ApiView):
    """All wallets of the caller."""

    scopes = {"GET": Scope.WALLETS_READ, "HEAD": Scope.WALLETS_READ, "POST": Scope.WALLETS_WRITE}
    reads_as = ReadClass.LIST
    takes_query = READS

    def get(self, request: Request) -> HttpResponse:
        """List the caller's wallets, newest first."""
        asked = parameters.wallets_query(self.call)
        found = queries.wallets_page(
            self.principal.client,
            user_id=asked.user_id,
            before=asked.before,
            limit=asked.limit + 1,
        )
        return self.answer(rendering.wallets_page(self.call, found, asked.limit))

    def post(self, request: Request) -> HttpResponse:
        """Open a wallet."""
        asked = parsing.open_wallet(self.call, self.principal, self.body())
        opened = open_wallet(
            client=self.principal.client,
            user_id=asked.user_id,
            reference=asked.reference,
            currency=asked.currency,
            metadata=asked.metadata,
            key=asked.key,
        )
        return self.answer(rendering.opened(self.call, opened))


@extend_schema_view(get=documentation.GET_WALLET, patch=documentation.PATCH_WALLET)
class WalletView(ApiView):
    """One wallet."""

    scopes = {"GET": Scope.WALLETS_READ, "HEAD": Scope.WALLETS_READ, "PATCH": Scope.WALLETS_WRITE}

    def get(self, request: Request, wallet_id: str) -> HttpResponse:
        """Show a wallet."""
        asked = parameters.min_version(self.call)
        view = queries.wallet(self.wallet(wallet_id), min_version=asked)
        return self.answer(rendering.wallet(self.call, view))

    def patch(self, request: Request, wallet_id: str) -> HttpResponse:
        """Change a wallet's metadata by a merge patch."""
        expected = parameters.expected_version(self.call)
        wallet = self.wallet(wallet_id)
        patch = parsing.patch_wallet(self.body(patch=True))
        view = update_metadata(wallet=wallet, patch=patch, expected_version=expected)
        return self.answer(rendering.wallet(self.call, view))


class StatusView(ApiView):
    """Base of the routes that change a wallet's status."""

    scopes = {"POST": Scope.WALLETS_WRITE}
    change: Callable[..., queries.WalletView]

    def post(self, request: Request, wallet_id: str) -> HttpResponse:
        """Change the status; answer with the wallet."""
        wallet = self.wallet(wallet_id)
        asked = parsing.change_status(self.call, self.principal, self.optional_body())
        return self.answer(rendering.wallet(self.call, self.change(wallet=wallet, request=asked)))


@extend_schema_view(post=documentation_status.FREEZE)
class FreezeView(StatusView):
    """Freezes a wallet."""

    change = staticmethod(freeze_wallet)


@extend_schema_view(post=documentation_status.UNFREEZE)
class UnfreezeView(StatusView):
    """Unfreezes a wallet."""

    change = staticmethod(unfreeze_wallet)


@extend_schema_view(post=documentation_status.CLOSE)
class CloseView(StatusView):
    """Closes a wallet."""

    change = staticmethod(close_wallet)


class MovementView(ApiView):
    """Base of the routes that move money."""

    scopes = {"POST": Scope.TRANSACTIONS_WRITE}
    moves_money = True
    verb: Verb

    def post(self, request: Request, wallet_id: str) -> HttpResponse:
        """Move the money; answer when it is durable."""
        wallet = self.wallet(wallet_id)
        asked = parsing.movement(self.verb, wallet, self.call, self.principal, self.body())
        destination = None
        if asked.destination is not None:
            destination = identity.identify(
                self.principal.client, asked.destination, field="destinationWalletId"
            )
        outcome = group_commit.run(asked.command(destination))
        return self.answer(rendering.movement(self.call, outcome))


@extend_schema_view(post=documentation.DEPOSIT)
class DepositView(MovementView):
    """Deposits into a wallet."""

    verb = Verb.DEPOSIT


@extend_schema_view(post=documentation.WITHDRAW)
class WithdrawView(MovementView):
    """Withdrawals from a wallet."""

    verb = Verb.WITHDRAW
    route_class = RouteClass.WITHDRAWAL


@extend_schema_view(post=documentation.TRANSFER)
class TransferView(MovementView):
    """Transfers from a wallet."""

    verb = Verb.TRANSFER


@extend_schema_view(post=documentation_books.BULK)
class BulkView(ApiView):
    """Many movements in one call."""

    scopes = {"POST": Scope.TRANSACTIONS_WRITE}
    moves_money = True

    def post(self, request: Request) -> HttpResponse:
        """Move the money, each movement by itself or all of them or none."""
        body = self.body(bytes_max=settings.BULK_BODY_BYTES_MAX)
        return self.answer(bulk.execute(self.call, self.principal, body, told=self.told))


@extend_schema_view(get=documentation.GET_BALANCE)
class BalanceView(ApiView):
    """A wallet's money now."""

    scopes = {"GET": Scope.WALLETS_READ, "HEAD": Scope.WALLETS_READ}

    def get(self, request: Request, wallet_id: str) -> HttpResponse:
        """Tell a wallet's balance."""
        asked = parameters.min_version(self.call)
        view = queries.balance(self.wallet(wallet_id), min_version=asked)
        return self.answer(rendering.balance(self.call, view))


@extend_schema_view(get=documentation.GET_PAST_BALANCE)
class PastBalanceView(ApiView):
    """A wallet's money at some moment."""

    scopes = {"GET": Scope.WALLETS_READ, "HEAD": Scope.WALLETS_READ}
    takes_query = READS

    def get(self, request: Request, wallet_id: str) -> HttpResponse:
        """Tell a wallet's balance at a moment."""
        moment = parameters.timestamp(self.call)
        asked = parameters.min_version(self.call)
        view = queries.balance_at(self.wallet(wallet_id), moment, min_version=asked)
        return self.answer(rendering.past_balance(self.call, view))


@extend_schema_view(get=documentation.LIST_MOVEMENTS)
class HistoryView(ApiView):
    """A wallet's movements."""

    scopes = {"GET": Scope.TRANSACTIONS_READ, "HEAD": Scope.TRANSACTIONS_READ}
    takes_query = READS

    def get(self, request: Request, wallet_id: str) -> HttpResponse:
        """List a wallet's movements, newest first."""
        asked = parameters.history_query(self.call)
        page = queries.history(
            self.wallet(wallet_id),
            before_sequence=asked.before_sequence,
            limit=asked.limit + 1,
            min_version=parameters.min_version(self.call),
        )
        return self.answer(rendering.history_page(self.call, page, asked.limit))


@extend_schema_view(get=documentation.GET_TRANSACTION)
class TransactionView(ApiView):
    """One transaction."""

    scopes = {"GET": Scope.TRANSACTIONS_READ, "HEAD": Scope.TRANSACTIONS_READ}

    def get(self, request: Request, transaction_id: str) -> HttpResponse:
        """Show a transaction with all its postings."""
        found = parse_uuid(transaction_id)
        view = found and queries.transaction(self.principal.client, found)
        if not view:
            raise EntryNotFound("The transaction does not exist.", field="transactionId")
        return self.answer(rendering.transaction(self.call, view))


@extend_schema_view(get=documentation_books.TRIAL_BALANCE)
class TrialBalanceView(ApiView):
    """The caller's books in one list."""

    scopes = {"GET": Scope.LEDGER_READ, "HEAD": Scope.LEDGER_READ}
    reads_as = ReadClass.STATEMENT
    weights = {"GET": HEAVY}
    takes_query = READS

    def get(self, request: Request) -> HttpResponse:
        """Sum the caller's books."""
        moment = parameters.as_of(self.call)
        view = trial_balance(self.principal.client, moment)
        return self.answer(rendering.trial_balance(self.call, view))
