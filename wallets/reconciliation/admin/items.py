"""What is left over: lists, the page on which it is matched by hand, and suspense by age."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from wallet_project.kit import audit, clock
from wallet_project.kit.acting import ActingAdmin, Asked, StaffAct
from wallet_project.kit.admin import NOTHING, ReadOnlyInline, coloured
from wallet_project.kit.database import PRIMARY
from wallet_project.kit.errors import DomainError
from wallet_project.kit.ids import uuid7
from wallet_project.kit.links import row_link
from wallets.admin.cells import Cell, Section, amount, titles
from wallets.reconciliation import queries
from wallets.reconciliation.admin import clearing, matching, pages
from wallets.reconciliation.admin.columns import DeskColumns
from wallets.reconciliation.admin.forms import AssignForm, NoteForm
from wallets.reconciliation.models import (
    SUSPENSE,
    Item,
    ItemNote,
    ItemStatus,
    MatchPart,
    Side,
)
from wallets.reconciliation.operations.work_item import assign_item, note_item

_VIEW = "reconciliation.view_item"
_WORK = "reconciliation.work_item"


class NoteInline(ReadOnlyInline):
    """What was done about an item."""

    model = ItemNote
    fields = ("at", "by", "act", "owner", "due_on", "text")
    verbose_name_plural = "What was done"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let whoever sees the item see what was done about it."""
        return True


@admin.register(Item)
class ItemAdmin(DeskColumns, ActingAdmin):
    """Lines and postings, and whether each has its counterpart."""

    list_display = (
        *("day", "side", "status_label", "amount_money", "reference", "client_link"),
        *("channel_name", "age", "owner", "due_on", "match_by_hand"),
    )
    list_filter = ("status", "side")
    search_fields = ("id", "posting")
    search_help_text = "Exact id of an item or number of a posting"
    empty_text = "Nothing has to be matched yet. Load a file, or reconcile a channel."
    list_before_template = "admin/reconciliation/items.html"
    fields = (
        ("side", "status_label"),
        ("client_link", "channel_name"),
        ("amount_money", "reference"),
        ("day", "age"),
        "source",
        ("owner", "due_on"),
        ("match_link", "match_by_hand"),
    )
    readonly_fields = (
        *("status_label", "client_link", "channel_name", "amount_money", "age", "source"),
        *("match_link", "match_by_hand"),
    )
    inlines = (NoteInline,)
    acts = (
        StaffAct("assign", "Assign", _WORK, form=AssignForm, hint="Who looks after it, by when."),
        StaffAct("note", "Add a note", _WORK, form=NoteForm),
        clearing.ACT,
    )

    @coloured({"Open": "warning", "Waits for approval": "info", "Matched": "success"})
    @admin.display(description="Status")
    def status_label(self, row: Item) -> str:
        return str(row.get_status_display())

    @admin.display(description="Open for")
    def age(self, row: Item) -> str:
        if row.status == ItemStatus.MATCHED:
            return NOTHING
        days = max((clock.now().date() - row.day).days, 0)
        return f"{days} day{'' if days == 1 else 's'}"

    @admin.display(description="Where it stands")
    def source(self, row: Item) -> SafeString | str:
        if row.side == Side.LINE:
            return row_link("reconciliation.statementline", row.pk, "the line")
        return row_link("ledger.journalentry", row.entry, "the journal entry")

    @admin.display(description="Match")
    def match_link(self, row: Item) -> SafeString | str:
        parts = MatchPart.objects.using(PRIMARY).filter(item=row.pk).order_by("-turn")
        match = parts.values_list("match_id", flat=True).first()
        if match is None:
            return NOTHING
        text = "its match" if row.status == ItemStatus.MATCHED else "a match that has ended"
        return row_link("reconciliation.match", match, text)

    @admin.display(description="By hand")
    def match_by_hand(self, row: Item) -> SafeString | str:
        if row.status != ItemStatus.OPEN:
            return NOTHING
        return matching.link(row)

    def get_urls(self) -> list[URLPattern]:
        """Add the page on which an item is matched, and suspense by age."""
        wrap = self.admin_site.admin_view
        own = [
            path("suspense/", wrap(self.suspense), name="reconciliation_item_suspense"),
            path("<uuid:item>/match/", wrap(self.match), name="reconciliation_item_match"),
        ]
        return [*own, *super().get_urls()]

    def offers(self, act: StaffAct, row: Any) -> bool:
        """Let what is open be given to somebody, and a difference on suspense be cleared."""
        if act is clearing.ACT:
            return clearing.is_offered(row)
        return act.name == "note" or row.status != ItemStatus.MATCHED

    def first_values(self, act: StaffAct, row: Any) -> dict[str, Any]:
        """Show who has the item now; give a request an id of its own."""
        if act is clearing.ACT:
            return {"request_id": uuid7()}
        return {} if row is None else {"owner": row.owner, "due_on": row.due_on}

    def do_assign(self, request: HttpRequest, row: Item, asked: Asked) -> str:
        """Give the item to somebody."""
        assign_item(
            item=row.pk,
            owner=asked["owner"],
            due_on=asked["due_on"],
            by=audit.actor_of(request),
            text=asked["text"],
        )
        return f"{asked['owner'] or 'Nobody'} looks after it."

    def do_note(self, request: HttpRequest, row: Item, asked: Asked) -> str:
        """Write down what is known."""
        note_item(item=row.pk, by=audit.actor_of(request), text=asked["text"])
        return "The note is kept."

    def do_clear(self, request: HttpRequest, row: Item, asked: Asked) -> HttpResponse:
        """Ask for what is left of a difference to leave suspense."""
        return clearing.ask(request, row, asked)

    def match(self, request: HttpRequest, item: UUID) -> HttpResponse:
        """Show an item with what may be its counterparts; match those that are chosen.

        :raises PermissionDenied: without the rights to see items, or to do what is sent.
        """
        pages.need(request, _VIEW)
        row = Item.objects.using(PRIMARY).filter(pk=item).first()
        if row is None:
            raise Http404
        asked = matching.Asked.of(request, row)
        if asked.act:
            pages.need(request, *matching.rights(asked.act))
            try:
                told, back = matching.take(asked, audit.actor_of(request))
            except DomainError as error:
                asked = asked.refused(error.detail)
            else:
                self.message_user(request, told, messages.SUCCESS)
                return HttpResponseRedirect(back)
        context = matching.context(request, row, asked)
        context["opts"] = self.model._meta
        status = 400 if asked.trouble else 200
        return pages.show(self.admin_site, request, "match", context, status=status)

    def suspense(self, request: HttpRequest) -> HttpResponse:
        """Show what is open on suspense by age and owner.

        :raises PermissionDenied: without the right to see items.
        """
        pages.need(request, _VIEW)
        found = queries.suspense_ages(clock.now().date())
        listed = reverse("admin:reconciliation_item_changelist")
        section = Section(
            "Open on suspense",
            titles("Age", "Currency", "Owner", "Items#", "Amount#", "Oldest"),
            [
                [
                    Cell(one.age, tone=_TONES[one.age]),
                    Cell(one.currency),
                    Cell(one.owner or "nobody"),
                    Cell(f"{one.items:,}", is_amount=True),
                    amount(one.amount, one.currency),
                    Cell(one.oldest.isoformat()),
                ]
                for one in found
            ],
            "Nothing is open on suspense. What is posted there appears within seconds.",
            f"{listed}?channel={SUSPENSE}&status__exact={ItemStatus.OPEN}",
        )
        sections = [section, clearing.oldest()]
        context = {"title": "Suspense by age", "opts": self.model._meta, "sections": sections}
        return pages.show(self.admin_site, request, "suspense", context)


_TONES = dict(
    zip(
        (name for name, _, _ in queries.AGES), ("success", "info", "warning", "danger"), strict=True
    )
)
