"""Names of members: few, used again, never twice at once."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from events.membership import Membership


def test_two_processes_of_a_machine_have_names_of_their_own(settings: Any) -> None:
    settings.CONSUMER_INSTANCE = "shop-7"
    group = f"test-{uuid4()}"

    first, second = Membership(group), Membership(group)

    assert [str(first), str(second)] == ["shop-7-0", "shop-7-1"]
    assert str(Membership(f"test-{uuid4()}")) == "shop-7-0"


def test_a_name_is_used_again_once_it_is_free(settings: Any) -> None:
    settings.CONSUMER_INSTANCE = "shop-7"
    group = f"test-{uuid4()}"
    first, second = Membership(group), Membership(group)

    first.leave()

    assert str(Membership(group)) == "shop-7-0"
    second.leave()


def test_a_name_has_only_letters_that_kafka_takes(settings: Any) -> None:
    settings.CONSUMER_INSTANCE = "shöp 7/é" + "x" * 300

    assert str(Membership(f"test-{uuid4()}")).startswith("sh-p-7--xxx")
    assert len(str(Membership(f"test-{uuid4()}"))) < 120
