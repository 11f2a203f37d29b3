"""The paths of webhooks, below `/api/v1`."""

from typing import Final

from django.urls import path

from wallets.api.webhooks import views

_ENDPOINT: Final = "webhook-endpoints/<str:endpoint_id>"
_DELIVERY: Final = f"{_ENDPOINT}/deliveries/<str:delivery_id>"

urlpatterns = [
    path("webhook-endpoints", views.EndpointsView.as_view()),
    path(_ENDPOINT, views.EndpointView.as_view()),
    path(f"{_ENDPOINT}/rotate-secret", views.RotateSecretView.as_view()),
    path(f"{_ENDPOINT}/test", views.TestView.as_view()),
    path(f"{_ENDPOINT}/redeliver", views.RedeliverRangeView.as_view()),
    path(f"{_ENDPOINT}/deliveries", views.DeliveriesView.as_view()),
    path(_DELIVERY, views.DeliveryView.as_view()),
    path(f"{_DELIVERY}/redeliver", views.RedeliverView.as_view()),
]
