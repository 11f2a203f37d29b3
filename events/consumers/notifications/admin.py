"""What was told to whom. To be read, not changed; addresses are shown nowhere."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from events.consumers.notifications.models import Contact, Notification
from wallet_project.kit.admin import ReadOnlyAdmin, coloured


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    """Notifications, newest first."""

    list_display = ("created_at", "kind", "wallet", "channel", "state", "attempts", "last_error")
    empty_text = (
        "Nothing was told yet: holders of wallets say by the API what they want to hear of."
    )
    search_fields = ("wallet", "event_id")
    search_help_text = "Exact id of a wallet or an event"

    @coloured({"Sent": "success", "Waiting": "info", "Not sent": "danger"})
    @admin.display(description="State")
    def state(self, notification: Notification) -> str:
        if notification.sent_at is not None:
            return "Sent"
        return "Waiting" if notification.next_attempt_at is not None else "Not sent"


@admin.register(Contact)
class ContactAdmin(ReadOnlyAdmin):
    """Who has asked for what. Whoever may see addresses asks the API."""

    empty_text = "No wallet has a contact yet. Clients set it by PUT /wallets/{id}/contact."
    list_display = ("wallet", "client", "wants", "updated_at")
    fields = ("wallet", "client", "wants", "created_at", "updated_at")
    search_fields = ("wallet",)
    search_help_text = "Exact id of a wallet"

    def get_fields(self, request: HttpRequest, obj: Contact | None = None) -> tuple[str, ...]:
        return self.fields

    @admin.display(description="Wants to be told of")
    def wants(self, contact: Contact) -> str:
        return ", ".join(contact.kinds)
