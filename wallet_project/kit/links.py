"""Links between pages of the admin, by names: no app has to know another one's models."""

from __future__ import annotations

from typing import Any, Final

from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from wallet_project.kit.admin import NOTHING

_LINK: Final = '<a href="{}" class="text-primary-600 dark:text-primary-500">{}</a>'


def row_link(model: str, key: Any, text: str = "") -> SafeString | str:
    """Link to a row's page, such as `wallets.wallet`; a dash where there is no row."""
    if key is None:
        return NOTHING
    shown = text or str(key)
    try:
        url = reverse(f"admin:{model.replace('.', '_')}_change", args=[key])
    except NoReverseMatch:  # nobody shows that model
        return shown
    return format_html(_LINK, url, shown)


def list_link(model: str, query: str, text: str) -> SafeString:
    """Link to a list with a query, such as `q=...`."""
    url = reverse(f"admin:{model.replace('.', '_')}_changelist")
    return format_html(_LINK, f"{url}?{query}", text)
