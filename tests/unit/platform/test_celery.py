"""The beat schedule, and how tasks behave when something is lost."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from wallet_project import celery_app
from wallet_project.celery import BEAT, forget_the_work, name_the_work
from wallet_project.kit import logs


@pytest.fixture(autouse=True)
def _tasks_are_known() -> None:
    celery_app.loader.import_default_modules()


@pytest.mark.parametrize("name", BEAT)
def test_every_scheduled_task_exists_and_never_piles_up(name: str) -> None:
    entry: dict[str, Any] = BEAT[name]
    assert entry["task"] in celery_app.tasks
    assert entry["options"]["expires"] > 0


def test_the_outbox_is_drained_every_second() -> None:
    (drain,) = [one for one in BEAT.values() if one["task"] == "events.tasks.drain_outbox"]
    assert drain["schedule"] == drain["options"]["expires"] == 1.0


def test_messages_are_json_acknowledged_late_and_leave_no_results() -> None:
    conf = celery_app.conf
    assert (conf.task_serializer, conf.accept_content) == ("json", ["json"])
    assert conf.task_acks_late
    assert conf.task_ignore_result
    assert conf.result_backend is None
    assert conf.task_publish_retry_policy["max_retries"] == 1


def test_without_redis_the_broker_is_the_file_system() -> None:
    if settings.REDIS_URL:
        pytest.skip("this run has Redis")
    assert settings.CELERY_BROKER_URL == "filesystem://"
    folders = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    assert folders["data_folder_in"] == folders["data_folder_out"]


def test_what_a_task_logs_carries_its_id() -> None:
    name_the_work(task_id="task-1")
    assert logs.request_id.get() == "task-1"
    forget_the_work(task_id="task-1")
    assert logs.request_id.get() == ""
