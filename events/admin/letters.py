"""What consumers did and could not do. A dead letter may be handled again, or given up."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from events import consuming, replaying
from events.admin import payloads
from events.consumer import consumers
from events.dead_letters import OPEN, record_in
from events.models import ConsumedEvent, DeadLetter, LetterStatus
from wallet_project.kit import audit
from wallet_project.kit.acting import ActingAdmin, Asked, NoForm, StaffAct
from wallet_project.kit.admin import ReadOnlyAdmin, coloured
from wallet_project.kit.admin_filters import EVERYTHING, StatusFilter
from wallet_project.kit.client_cells import client_cell
from wallet_project.kit.errors import DomainError
from wallet_project.kit.links import row_link

_COLOURS = {
    LetterStatus.DEAD.label: "danger",
    LetterStatus.HELD.label: "warning",
    LetterStatus.REPLAYED.label: "success",
    LetterStatus.DISCARDED.label: "info",
}
_OPEN = "open"


class ConsumerFilter(admin.SimpleListFilter):
    """Shows one consumer's rows; the names come from the table of consumers, not from the rows."""

    title = parameter_name = "consumer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in consumers()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(consumer=self.value()) if self.value() else queryset


class LetterFilter(StatusFilter):
    """Shows what waits for a decision, unless something else is asked for."""

    parameter_name = "is"
    states: ClassVar = [(_OPEN, "Waiting"), *((one.name, one.label) for one in LetterStatus)]
    preset = _OPEN

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = LetterStatus.__members__.get(self.value())
        if chosen is not None:
            return queryset.filter(status=chosen)
        return queryset if self.value() == EVERYTHING else queryset.filter(status__in=OPEN)


class _ByConsumer(ReadOnlyAdmin):
    """Rows whose indexes begin with the consumer: a look-up names the consumers, too."""

    def exact_matches(self, term: str) -> Q:
        """Find by the search fields, within every consumer that there is."""
        return Q(consumer__in=list(consumers())) & super().exact_matches(term)


@admin.register(ConsumedEvent)
class ConsumedEventAdmin(_ByConsumer):
    """The inbox: which consumer has had which event."""

    empty_text = "No consumer has handled an event yet. They run by `manage.py consume`."
    list_display = ("consumer", "event_id", "consumed_at")
    search_fields = ("event_id",)
    search_help_text = "The exact id of an event"
    fields = ("consumer", "event_id", "consumed_at")


@admin.register(DeadLetter)
class DeadLetterAdmin(_ByConsumer, ActingAdmin):
    """What consumers put aside, newest first."""

    list_display = (
        *("id", "consumer", "type", "stream_link", "state", "attempts", "reason", "failed_at"),
    )
    list_filter = (LetterFilter, ConsumerFilter)
    search_fields = ("event_id", "stream")
    search_help_text = "The exact id of an event or a wallet"
    empty_text = "Nothing was put aside: every consumer has handled what it was told."
    fields = (
        ("consumer", "state"),
        ("event_id", "type"),
        ("stream_link", "client_link"),
        ("topic", "partition", "offset"),
        ("attempts", "failed_at", "replayed_at"),
        "reason",
        "read_headers",
        "data",
    )
    readonly_fields = ("state", "stream_link", "client_link", "read_headers", "data")
    actions: ClassVar[tuple[str, ...]] = ("replay",)
    acts = (
        StaffAct(
            "replay",
            "Replay",
            "events.replay_deadletter",
            form=NoForm,
            hint="The consumer handles it again, and all that waits for the same wallet, in order.",
        ),
        StaffAct(
            "discard",
            "Discard",
            "events.discard_deadletter",
            hint="The event is not handled, now or when it comes again: its effect will be "
            "missing. Those behind it can then be replayed.",
            is_grave=True,
        ),
    )

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may let consumers handle letters again."""
        return bool(request.user.has_perm("events.replay_deadletter"))

    @admin.action(
        description="Replay, with all that waits for the same wallets", permissions=["replay"]
    )
    def replay(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> None:
        done = self._replay(request, list(letters.values_list("pk", flat=True)))
        self.message_user(request, done, messages.SUCCESS)

    def offers(self, act: StaffAct, row: DeadLetter) -> bool:
        """Offer to do something about what waits."""
        return row.status in OPEN

    def do_replay(self, request: HttpRequest, row: DeadLetter, asked: Asked) -> str:
        """Replay the queue in which the letter stands."""
        return self._replay(request, [row.pk])

    def do_discard(self, request: HttpRequest, row: DeadLetter, asked: Asked) -> str:
        """Give the letter up."""
        by = audit.actor_of(request)
        if not replaying.discard(row.pk, by=by, reason=asked["reason"]):
            return "It did not wait any more."
        return "It is given up; replay those behind it."

    def _replay(self, request: HttpRequest, letters: list[int]) -> str:
        """Replay queues; tell here what failed, and return what was done."""
        by = audit.actor_of(request)
        queues = {}
        for letter in letters:
            for queue in replaying.queues(letter=letter):
                queues[(queue.consumer, queue.stream, queue.letters[0])] = queue
        handled, failed = 0, []
        for queue in queues.values():
            try:
                done = replaying.replay(consuming.find(queue.consumer), queue, by=by)
            except DomainError as error:
                failed.append(error.detail)
                continue
            handled += done.handled
            if done.failed is not None:
                failed.append(f"{queue.consumer}, {queue.stream or 'no wallet'}: {done.reason}")
        for reason in failed:
            self.message_user(request, reason, messages.ERROR)
        return f"{handled} handled."

    @admin.display(description="Status")
    @coloured(_COLOURS)
    def state(self, letter: DeadLetter) -> str:
        return str(letter.get_status_display())

    @admin.display(description="Wallet")
    def stream_link(self, letter: DeadLetter) -> SafeString | str:
        return row_link("wallets.wallet", letter.stream)

    @admin.display(description="Client")
    def client_link(self, letter: DeadLetter) -> SafeString | str:
        return client_cell(letter)

    @admin.display(description="Headers")
    def read_headers(self, letter: DeadLetter) -> SafeString:
        pairs = record_in(letter).headers
        lines = [f"{name}: {value.decode(errors='backslashreplace')}" for name, value in pairs]
        return format_html('<pre class="verbatim">{}</pre>', "\n".join(lines))

    @admin.display(description="Value")
    def data(self, letter: DeadLetter) -> SafeString:
        return payloads.shown(bytes(letter.value))
