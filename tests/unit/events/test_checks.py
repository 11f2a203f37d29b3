"""Settings that would let a consumer act twice stop the start."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks

from events import checks, inbox_age
from events.consumer import Consumer
from wallet_project.kit import storages


def found() -> list[str]:
    return [
        error.id for error in run_checks() if (error.id or "").startswith("events.") if error.id
    ]


def test_the_defaults_are_sound() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("facts", "others", "inbox", "errors"),
    [
        (0, 7, 8, 0),  # facts for ever: their consumers' rows always stay
        (0, 7, 7, 1),
        (30, 7, 30, 1),
        (30, 40, 20, 2),
        (30, 7, 31, 0),
        (30, 7, 0, 0),  # the inbox forgets nothing
    ],
)
def test_the_inbox_outlives_the_topics(
    settings: Any, facts: int, others: int, inbox: int, errors: int
) -> None:
    settings.KAFKA_FACTS_KEPT_DAYS = facts
    settings.KAFKA_OTHERS_KEPT_DAYS = others
    settings.INBOX_KEPT_DAYS = inbox
    assert found() == [checks.INBOX] * errors


def test_a_way_to_name_schemas_that_nobody_knows(settings: Any) -> None:
    settings.SCHEMA_REGISTRY_SUBJECTS = "topic"
    assert found() == [checks.SUBJECT]


def test_who_may_forget(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def reads(name: str, *topics: str) -> Consumer:
        return Consumer(name, topics, lambda _: None)

    facts, alerts = settings.KAFKA_TOPIC_FACTS, settings.KAFKA_TOPIC_FRAUD_ALERTS
    table = {"a": reads("a", facts), "b": reads("b", alerts), "c": reads("c", alerts, facts)}
    monkeypatch.setattr(inbox_age, "consumers", lambda: table)
    settings.KAFKA_BOOTSTRAP_SERVERS = ["kafka:9092"]
    assert inbox_age.forgetful_consumers() == ["b"]
    settings.KAFKA_FACTS_KEPT_DAYS = 29
    assert inbox_age.forgetful_consumers() == ["a", "b", "c"]
    settings.INBOX_KEPT_DAYS = 29
    assert inbox_age.forgetful_consumers() == ["b"]
    settings.INBOX_KEPT_DAYS = 0
    assert inbox_age.forgetful_consumers() == []
    settings.INBOX_KEPT_DAYS = 29
    settings.KAFKA_BOOTSTRAP_SERVERS = []  # the local event log forgets nothing
    assert inbox_age.forgetful_consumers() == []


def test_the_archive_is_a_folder_or_a_bucket() -> None:
    folder = storages.archive(folder="/a", bucket="", prefix="")
    assert folder["OPTIONS"]["location"] == "/a"
    bucket = storages.archive(folder="/a", bucket="books", prefix="wallet")
    assert bucket["BACKEND"] == "storages.backends.s3.S3Storage"
    assert bucket["OPTIONS"] == {
        "bucket_name": "books",
        "location": "wallet",
        "file_overwrite": False,
    }
