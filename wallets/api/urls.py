"""The API's paths, below `/api/v1`. None ends with a slash, none redirects."""

from django.urls import path

from wallets.api import openapi, views  # noqa: F401 - drf-spectacular finds its extensions by import
from wallets.api.events.views import EventsView
from wallets.api.exports import views as exports
from wallets.api.holds import views as holds
from wallets.api.limits.views import LimitsView
from wallets.api.notifications.views import ContactView
from wallets.api.operations import views as operations
from wallets.api.payouts import views as payouts
from wallets.api.reversals.views import ReverseView
from wallets.api.webhooks import urls as webhooks

urlpatterns = [
    path("wallets", views.WalletsView.as_view()),
    path("wallets/<str:wallet_id>", views.WalletView.as_view()),
    path("wallets/<str:wallet_id>/freeze", views.FreezeView.as_view()),
    path("wallets/<str:wallet_id>/unfreeze", views.UnfreezeView.as_view()),
    path("wallets/<str:wallet_id>/close", views.CloseView.as_view()),
    path("wallets/<str:wallet_id>/deposit", views.DepositView.as_view()),
    path("wallets/<str:wallet_id>/withdraw", views.WithdrawView.as_view()),
    path("wallets/<str:wallet_id>/transfer", views.TransferView.as_view()),
    path("wallets/<str:wallet_id>/balance", views.BalanceView.as_view()),
    path("wallets/<str:wallet_id>/balance/historical", views.PastBalanceView.as_view()),
    path("wallets/<str:wallet_id>/limits", LimitsView.as_view()),
    path("wallets/<str:wallet_id>/contact", ContactView.as_view()),
    path("wallets/<str:wallet_id>/transactions", views.HistoryView.as_view()),
    path("wallets/<str:wallet_id>/statement", exports.StatementView.as_view()),
    path("statements/<str:statement_id>", exports.IssuedStatementView.as_view()),
    path("exports", exports.ExportsView.as_view()),
    path("exports/<str:export_id>", exports.ExportView.as_view()),
    path("exports/<str:export_id>/file", exports.ExportFileView.as_view()),
    path("wallet", operations.AcceptView.as_view()),
    path("wallets/<str:wallet_id>/operations", operations.OperationsView.as_view()),
    path(
        "wallets/<str:wallet_id>/operations/<str:operation_id>",
        operations.OperationView.as_view(),
    ),
    path("wallets/<str:wallet_id>/holds", holds.HoldsView.as_view()),
    path("holds/<str:hold_id>", holds.HoldView.as_view()),
    path("holds/<str:hold_id>/capture", holds.CaptureView.as_view()),
    path("holds/<str:hold_id>/void", holds.VoidView.as_view()),
    path("payouts", payouts.PayoutsView.as_view()),
    path("payouts/<str:payout_id>", payouts.PayoutView.as_view()),
    path("transactions/bulk", views.BulkView.as_view()),
    path("transactions/<str:transaction_id>", views.TransactionView.as_view()),
    path("transactions/<str:transaction_id>/reverse", ReverseView.as_view()),
    path("events", EventsView.as_view()),
    path("trial-balance", views.TrialBalanceView.as_view()),
    *webhooks.urlpatterns,
]
