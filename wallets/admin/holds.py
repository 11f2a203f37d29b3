"""Holds and payouts: money set aside, and money on its way out."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from wallet_project.kit import audit
from wallet_project.kit.acting import ActingAdmin, Asked, StaffAct
from wallet_project.kit.admin import NOTHING, coloured, money, money_column
from wallet_project.kit.client_cells import client_cell
from wallet_project.kit.links import row_link
from wallets import hold_queries
from wallets.models import OPEN, Hold, HoldOwner, HoldStatus, Payout, PayoutStatus
from wallets.operations.try_payout import try_payout
from wallets.operations.void_hold import void_hold_for


class _OnWallet(ActingAdmin):
    """Rows about an amount on a wallet."""

    @money_column("Amount")
    def amount_money(self, row: Any) -> str:
        return money(row.amount, row.currency)

    @admin.display(description="Client")
    def client_link(self, row: Any) -> SafeString | str:
        return client_cell(row)

    @admin.display(description="Journal entry")
    def entry_link(self, row: Any) -> SafeString | str:
        return row_link("ledger.journalentry", row.entry)


@admin.register(Hold)
class HoldAdmin(_OnWallet):
    """Money that was set aside, and what became of it."""

    list_display = (
        "id",
        "wallet_link",
        "owner_in_words",
        "status_label",
        "amount_money",
        "captured_money",
        "expires_at",
        "created_at",
        "ended_at",
    )
    search_fields = ("id", "wallet")
    search_help_text = "Exact id of hold or wallet"
    empty_text = "No money was set aside yet. Clients place holds by POST /holds."
    fields = (
        ("id", "status_label"),
        ("wallet_link", "client_link"),
        ("amount_money", "captured_money"),
        ("owner_in_words", "channel"),
        ("reference", "description"),
        ("created_at", "expires_at", "ended_at"),
        ("entry_link", "metadata"),
    )
    readonly_fields = (
        *("status_label", "wallet_link", "client_link", "amount_money", "captured_money"),
        *("owner_in_words", "entry_link"),
    )
    acts = (
        StaffAct(
            "void",
            "Void the hold",
            "wallets.void_hold",
            hint="All of it is available again. The client is told by an event.",
            is_grave=True,
        ),
    )

    def exact_matches(self, term: str) -> Q:
        """Find a hold, or a wallet's holds: each by its own index, not by both at once."""
        try:
            found = Hold._meta.pk.to_python(term)
        except ValidationError:
            return Q(pk__in=[])
        is_hold = Hold.objects.filter(pk=found).exists()
        return Q(pk=found) if is_hold else Q(wallet=found)

    @coloured({"ACTIVE": "info", "CAPTURED": "success", "VOIDED": "warning", "EXPIRED": "warning"})
    @admin.display(description="Status")
    def status_label(self, hold: Hold) -> str:
        return hold.status

    @admin.display(description="Wallet")
    def wallet_link(self, hold: Hold) -> SafeString | str:
        return row_link("wallets.wallet", hold.wallet_id)

    @admin.display(description="Ended by")
    def owner_in_words(self, hold: Hold) -> SafeString | str:
        if hold.owner == HoldOwner.PAYOUT:
            return row_link("wallets.payout", hold.pk, "its payout")
        return "the client"

    @money_column("Captured")
    def captured_money(self, hold: Hold) -> str:
        return money(hold.captured, hold.currency)

    def offers(self, act: StaffAct, row: Hold) -> bool:
        """Offer to void what is active and no payout's."""
        return row.status == HoldStatus.ACTIVE and row.owner == HoldOwner.CALLER

    def do_void(self, request: HttpRequest, row: Hold, asked: Asked) -> str:
        """Void the hold."""
        hold = hold_queries.identify(row.client, str(row.pk))
        void_hold_for(hold=hold, by=audit.actor_of(request), reason=asked["reason"])
        return f"{money(row.amount, row.currency)} is available again."


class WaitingFilter(admin.SimpleListFilter):
    """Shows payouts that are under way, by the index that has them; of all there is no filter."""

    title = "status"
    parameter_name = "under"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("way", "Under way"), ("delay", "Delayed"), *((one, one) for one in OPEN)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        if chosen in OPEN:
            return queryset.filter(status=chosen)
        if chosen == "delay":
            return queryset.filter(status__in=OPEN, delayed_at__isnull=False)
        return queryset.filter(status__in=OPEN) if chosen == "way" else queryset


@admin.register(Payout)
class PayoutAdmin(_OnWallet):
    """Payouts and where they stand. Whom they pay is not shown, how they end is not set here."""

    list_display = (
        "id",
        "wallet_link",
        "status_label",
        "amount_money",
        "steps",
        "next_attempt_at",
        "reason_in_words",
        "created_at",
        "ended_at",
    )
    list_filter = (WaitingFilter,)
    search_fields = ("id", "wallet")
    search_help_text = "Exact id of payout or wallet"
    empty_text = "No payout was asked for yet. Clients do it by POST /payouts."
    fields = (
        ("id", "status_label"),
        ("wallet_link", "client_link"),
        ("amount_money", "channel"),
        ("reference", "gateway_reference"),
        ("steps", "next_attempt_at", "delayed_at"),
        "reason_in_words",
        ("created_at", "ended_at"),
        ("hold_link", "entry_link"),
    )
    readonly_fields = (
        *("status_label", "wallet_link", "client_link", "amount_money", "reason_in_words"),
        *("hold_link", "entry_link", "steps"),
    )
    acts = (
        StaffAct(
            "try",
            "Try now",
            "wallets.try_payout",
            hint="The next step is taken at once instead of later. Only the gateway says how it "
            "ends: nobody can mark a payout as paid or refused.",
        ),
    )
    _WHY: ClassVar[dict[str, str]] = {
        "wallet_frozen": "the wallet is frozen",
        "gateway_away": "the gateway cannot be reached",
        "no_answer": "the gateway did not answer; it will be asked what it knows",
        "gateway_decides": "the gateway has not decided yet",
    }

    @admin.display(description="Steps taken")
    def steps(self, row: Payout) -> int:
        """Tell how many steps were taken: one at least to send it, and one to book the answer."""
        return int(row.attempts)

    def exact_matches(self, term: str) -> Q:
        """Find a payout, or a wallet's: by their holds, which have the same ids and an index."""
        try:
            found = Payout._meta.pk.to_python(term)
        except ValidationError:
            return Q(pk__in=[])
        holds = Hold.objects.filter(wallet=found, owner=HoldOwner.PAYOUT).values("pk")
        return Q(pk=found) if Payout.objects.filter(pk=found).exists() else Q(pk__in=holds)

    @coloured(
        {
            "PENDING": "info",
            "SENDING": "info",
            "UNKNOWN": "warning",
            "CAPTURING": "info",
            "RELEASING": "info",
            "PAID": "success",
            "REFUSED": "danger",
        }
    )
    @admin.display(description="Status")
    def status_label(self, payout: Payout) -> str:
        return payout.status

    @admin.display(description="Wallet")
    def wallet_link(self, payout: Payout) -> SafeString | str:
        return row_link("wallets.wallet", payout.wallet)

    @admin.display(description="Hold")
    def hold_link(self, payout: Payout) -> SafeString | str:
        return row_link("wallets.hold", payout.pk)

    @admin.display(description="Why")
    def reason_in_words(self, payout: Payout) -> str:
        return self._WHY.get(payout.reason, payout.reason.replace("_", " ")) or NOTHING

    def offers(self, act: StaffAct, row: Payout) -> bool:
        """Offer to try what waits."""
        return row.status in OPEN and row.status != PayoutStatus.SENDING

    def do_try(self, request: HttpRequest, row: Payout, asked: Asked) -> str:
        """Make the next step due."""
        try_payout(payout=row.pk, by=audit.actor_of(request), reason=asked["reason"])
        return "Its next step is due now; it is taken within seconds."
