"""The short dialect's paths, below `/v1/wallet` and `/wallet`."""

from typing import Any

from django.urls import URLPattern, path

from wallets.api.short import views


def _routes(**settings: Any) -> list[URLPattern]:
    return [
        path("<str:name>", views.BalanceView.as_view(**settings)),
        path("<str:name>/deposit", views.DepositView.as_view(**settings)),
        path("<str:name>/withdraw", views.WithdrawView.as_view(**settings)),
        path("<str:name>/transfer", views.TransferView.as_view(**settings)),
        path("<str:name>/history", views.HistoryView.as_view(**settings)),
    ]


documented = _routes()
undocumented = _routes(schema=None)
"""The same once more; a document that lists every route twice helps nobody."""
