"""The API's paths, below `/api/v1`. None ends with a slash, none redirects."""

from django.urls import path

from wallets.api import openapi, views  # noqa: F401 - drf-spectacular finds its extensions by import

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
    path("wallets/<str:wallet_id>/transactions", views.HistoryView.as_view()),
    path("transactions/bulk", views.BulkView.as_view()),
    path("transactions/<str:transaction_id>", views.TransactionView.as_view()),
    path("trial-balance", views.TrialBalanceView.as_view()),
]
