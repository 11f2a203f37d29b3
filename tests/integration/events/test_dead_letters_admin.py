"""Dead letters in the hands of staff: seen, replayed by those who may, by page and by command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from events import metrics
from events.consumer import Consumer
from events.models import ConsumedEvent, DeadLetter, LetterStatus
from tests import effects
from tests.acting import REASON, act, audited
from tests.consumers import told
from tests.integration.events.conftest import Streams
from tests.integration.events.test_settling import settle
from tests.staff import member, superuser

LIST = "admin:events_deadletter_changelist"
DETAIL = "admin:events_deadletter_change"
CONSUMERS: dict[str, Consumer] = {}


@pytest.fixture(autouse=True)
def table(settings: Any, database: None) -> Iterator[None]:
    settings.CONSUMER_RETRY_MS = 1
    settings.EVENT_CONSUMERS = f"{__name__}.CONSUMERS"
    CONSUMERS[effects.NAME] = effects.consumer()
    with effects.tables():
        yield


@pytest.fixture
def bob(streams: Streams) -> UUID:
    """Bob's wallet, whose first event of three is poison."""
    alice, bob = streams.new(2)
    streams.tell(alice, bob, bob, bob)
    effects.order(effects.POISON, bob, 1)
    settle(told())
    assert DeadLetter.objects.count() == 3
    return bob


@pytest.fixture
def root(database: None) -> Client:
    return superuser()


def viewer(*permissions: str) -> Client:
    """Let Carol of the staff in, with these rights."""
    return member("carol", *(f"events.{name}" for name in permissions))


def replay(client: Client, letter: DeadLetter) -> Any:
    form = {"action": "replay", "_selected_action": [letter.pk]}
    return client.post(reverse(LIST), form, follow=True)


def run(*words: str) -> Any:
    out = StringIO()
    call_command("replay_dead_letters", "--json", *words, stdout=out)
    return json.loads(out.getvalue())


def test_letters_and_inbox_are_listed_and_cannot_be_changed(bob: UUID, root: Client) -> None:
    letter = DeadLetter.objects.get(status=LetterStatus.DEAD)

    page = root.get(reverse(LIST)).content.decode()
    detail = root.get(reverse(DETAIL, args=[letter.pk])).content.decode()
    inbox = root.get(reverse("admin:events_consumedevent_changelist")).content.decode()

    assert "Poisoned: 1 is poison" in page
    assert "&quot;walletId&quot;: &quot;" + str(bob) in detail
    assert f"ce_id: {letter.event_id}" in detail
    assert str(ConsumedEvent.objects.get().event_id) in inbox
    assert root.post(reverse(DETAIL, args=[letter.pk]), {"status": 2}).status_code == 403
    assert root.get(reverse("admin:events_deadletter_add")).status_code == 403


def test_staff_with_the_permission_replay_a_wallets_letters(bob: UUID) -> None:
    effects.heal()
    carol = viewer("view_deadletter", "replay_deadletter")

    text = replay(carol, DeadLetter.objects.order_by("id")[1]).content.decode()

    assert "3 handled." in text
    assert effects.done()[bob] == [1, 2, 3]
    assert set(DeadLetter.objects.values_list("status", flat=True)) == {LetterStatus.REPLAYED}


def test_staff_without_it_cannot(bob: UUID) -> None:
    effects.heal()
    carol = viewer("view_deadletter")

    assert replay(carol, DeadLetter.objects.order_by("id")[0]).status_code == 403

    assert bob not in effects.done()
    assert not DeadLetter.objects.filter(status=LetterStatus.REPLAYED).exists()


def test_a_letter_is_replayed_or_given_up_from_its_page(bob: UUID) -> None:
    carol = member(
        "carol",
        *("events.view_deadletter", "events.replay_deadletter", "events.discard_deadletter"),
    )
    first, *others = DeadLetter.objects.order_by("id")

    act(carol, "events.deadletter", first.pk, "discard")
    page = act(carol, "events.deadletter", others[0].pk, "replay").content.decode()

    assert "2 handled." in page
    assert effects.done()[bob] == [2, 3]
    assert audited() == [
        ("deadletter.discard", str(first.pk), REASON),
        *(("deadletter.replay", str(letter.pk), "") for letter in others),
    ]
    act(carol, "events.deadletter", first.pk, "discard")
    assert len(audited()) == 3


def test_letters_that_wait_are_shown_first(bob: UUID, root: Client) -> None:
    effects.heal()
    run()
    url = reverse(LIST)
    assert str(bob) not in root.get(url).content.decode()
    assert str(bob) in root.get(url, {"is": "REPLAYED"}).content.decode()
    assert str(bob) in root.get(url, {"is": "all", "q": str(bob)}).content.decode()


def test_a_replay_that_fails_says_why(bob: UUID, root: Client) -> None:
    text = replay(root, DeadLetter.objects.order_by("id")[0]).content.decode()

    assert "0 handled." in text
    assert "Poisoned: 1 is poison" in text
    assert bob not in effects.done()


def test_the_command_lists_replays_and_has_nothing_left(bob: UUID) -> None:
    ids = list(DeadLetter.objects.order_by("id").values_list("id", flat=True))
    queue = {"consumer": effects.NAME, "wallet": str(bob), "letters": ids}

    assert run("--dry-run") == [queue]
    assert bob not in effects.done()
    with pytest.raises(CommandError, match="1 of 1 still wait"):
        run("--consumer", effects.NAME)
    effects.heal()
    assert run("--consumer", "another") == []
    assert run("--id", str(ids[1])) == [queue | {"handled": 3, "failed": None, "reason": ""}]
    assert run() == []
    assert effects.done()[bob] == [1, 2, 3]
    with pytest.raises(CommandError, match="No letter"):
        run("--id", str(ids[1]))


def test_the_command_gives_a_letter_up(bob: UUID) -> None:
    first = DeadLetter.objects.order_by("id")[0].pk
    with pytest.raises(CommandError, match="needs --id"):
        call_command("replay_dead_letters", "--discard")

    call_command("replay_dead_letters", "--discard", "--id", str(first))

    (queue,) = run()
    assert (queue["handled"], queue["failed"]) == (2, None)
    assert effects.done()[bob] == [2, 3]


def test_a_consumer_that_is_no_more_keeps_its_letters(bob: UUID) -> None:
    CONSUMERS.clear()

    with pytest.raises(CommandError, match="1 of 1 still wait"):
        run()

    assert DeadLetter.objects.count() == 3


def test_the_number_of_letters_is_a_metric_that_falls_back_to_zero(bob: UUID) -> None:
    def number() -> float:
        metrics.refresh()
        return float(metrics.DEAD_LETTERS.labels(effects.NAME)._value.get())

    assert number() == 3
    effects.heal()
    run()
    assert number() == 0
