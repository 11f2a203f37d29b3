"""Identifiers sort by the moment they were made."""

import threading
import uuid

from wallet_project.kit.ids import uuid7


def test_is_a_uuid_of_version_7_and_the_rfc_variant() -> None:
    made = uuid7()

    assert (made.version, made.variant) == (7, uuid.RFC_4122)


def test_rises_within_a_thread_and_never_repeats_between_threads() -> None:
    made: list[list[uuid.UUID]] = []

    def make() -> None:
        made.append([uuid7() for _ in range(5_000)])

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(ids == sorted(ids) for ids in made)
    assert len({one for ids in made for one in ids}) == 20_000
