"""From a wallet's limits to the answer."""

from __future__ import annotations

import msgspec

from wallet_project.kit.clock import rfc3339
from wallet_project.kit.money import format_minor
from wallets.api.calls import JSON, Answer, Call, standard_headers
from wallets.api.limits import shapes
from wallets.identity import WalletIdentity
from wallets.limit_queries import LimitsView
from wallets.safeguards.limits import Window


def limits(call: Call, wallet: WalletIdentity, view: LimitsView) -> Answer:
    """Answer GET …/limits."""
    shown = shapes.LimitsShown(
        wallet_id=str(wallet.id),
        currency=wallet.currency,
        limits=[_window(one, wallet.currency) for one in view.windows],
        stale=view.stale,
    )
    return Answer(200, msgspec.json.encode(shown), standard_headers(call, JSON))


def _window(one: Window, currency: str) -> shapes.WindowShown:
    left = max(0, one.limit - one.used)  # a limit that was lowered may be passed already
    is_amount = one.is_amount
    return shapes.WindowShown(
        window=one.name,
        limit=format_minor(one.limit, currency) if is_amount else one.limit,
        left=format_minor(left, currency) if is_amount else left,
        reset_at=None if one.resets_at is None else rfc3339(one.resets_at),
    )
