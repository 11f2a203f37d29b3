"""One run: break by the timetable while clients work, heal, resolve, and check every promise."""

from __future__ import annotations

import random
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.chaos import faults, holding, sql_checks
from tests.chaos.clients import (
    BANK_OPENING,
    BANK_WALLETS,
    CROWD_WALLETS,
    HOLDERS,
    OPENING,
    Bank,
    Clients,
    Crowd,
    Holders,
    open_wallets,
)
from tests.chaos.faults import Broken
from tests.chaos.journal import Journal, SafeFile, Timed
from tests.chaos.manners import keep_their_manners
from tests.chaos.schedule import Fault, Window
from tests.chaos.world import World
from tests.e2e.services import Service
from tests.integration.events.reading import read_topic
from tests.reports import say
from tests.stress.faults import books, checks, parts
from tests.stress.faults.books import Books
from tests.stress.faults.journal import Op, Outcome, minor_of
from tests.stress.faults.load import Caller

LIVENESS_SECONDS: Final = 90.0
"""How long after the last fault everything may take to be level; generous, for a busy machine."""
RESOLVED_SECONDS: Final = 60.0
RESOLVERS: Final = 8
AFTER_SECONDS: Final = 8.0
CACHED_SECONDS: Final = 15.0
HANGS_SECONDS: Final = 17.0
"""The edge gives up on a process after 15 s; nobody waits for longer than that."""
LEAST_OPS_A_SECOND: Final = 1.0
THREADS: Final = {"crowd": 6, "bank": 3, "holders": 2}


@dataclass(frozen=True, slots=True)
class Seen:
    """A fault that was there, and what showed it; `what` is empty if nothing did."""

    fault: Fault
    began: float
    ended: float
    what: str


@dataclass
class Story:
    """What a run did and came to."""

    seed: int
    seconds: float
    world: World
    crowd: Clients
    bank: Clients
    holders: Clients
    seen: list[Seen] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    """The promises that were checked and hold."""
    began: float = 0.0
    first_fault: float = 0.0
    healed: float = 0.0
    ended: float = 0.0
    level_after: float = 0.0
    """Seconds from the last operation to everything being level."""

    @property
    def everybody(self) -> list[Clients]:
        """Return all kinds of clients."""
        return [self.crowd, self.bank, self.holders]

    def journals(self) -> list[Journal]:
        """Return the journals of all clients."""
        return [clients.journal for clients in self.everybody]

    def answers(self, start: float, end: float) -> list[Timed]:
        """Return the answers that came between two moments."""
        return [
            one for journal in self.journals() for one in journal.timed if start <= one.at < end
        ]


def prepare(world: World, file: SafeFile, folder: Path, *, seed: int, seconds: float) -> Story:
    """Admit three clients, open their wallets, and wait until the replica has them."""
    say("opening wallets")

    def clients(kind: type[Clients], name: str, count: int, opening: int) -> Clients:
        service = _of_new_client(world, name)
        journal = Journal(folder / "journal.jsonl", file=file, name=name)
        wallets = open_wallets(service, journal, count, opening)
        return kind(service, journal, wallets, f"{seed}-{name}", THREADS[name])

    story = Story(
        seed,
        seconds,
        world,
        crowd=clients(Crowd, "crowd", CROWD_WALLETS, OPENING),
        bank=clients(Bank, "bank", BANK_WALLETS, BANK_OPENING),
        holders=clients(Holders, "holders", HOLDERS, OPENING),
    )
    made = Caller(story.holders.service).send(
        "POST", "/webhook-endpoints", {"url": world.receiver.url}
    )
    assert made.status == 201, made
    parts.until(
        lambda: sql_checks.servers_agree(world.database, world.replica),
        what="a replica that is level",
        seconds=60,
    )
    return story


def _of_new_client(world: World, name: str) -> Service:
    return world.service.of_new_client(name)


def run(story: Story, windows: list[Window]) -> None:
    """Break everything in turn while the clients work; note what was seen of each fault."""
    story.began = time.monotonic()
    with ExitStack() as stack:
        for clients in story.everybody:
            stack.enter_context(clients)
        _follow(story, windows)
        story.healed = time.monotonic()
        say("healed; a while without faults")
        time.sleep(AFTER_SECONDS)
        story.ended = time.monotonic()


def _follow(story: Story, windows: list[Window]) -> None:
    """Carry out the timetable; what takes longer than its window moves the rest."""
    dice = random.Random(story.seed)
    there: list[tuple[Window, Broken, float]] = []
    waiting = list(windows)
    late = 0.0
    try:
        while waiting or there:
            moment = time.monotonic() - story.began - late
            due = [one for one in there if one[0].ends <= moment]
            if due:
                there.remove(due[0])
                _mend(story, *due[0])
                late += max(0.0, time.monotonic() - story.began - late - moment - 0.5)
            elif waiting and waiting[0].starts <= moment:
                window = waiting.pop(0)
                wallet = dice.choice(list(story.crowd.wallets[:3]))
                broken = faults.broken(story.world, window.fault, wallet)
                say(f"{moment:6.1f} s  {window.fault.name}")
                there.append((window, broken, time.monotonic()))
                story.first_fault = story.first_fault or time.monotonic()
                broken.begin()
            else:
                time.sleep(0.05)
            assert not any(clients.failed() for clients in story.everybody), "a client has failed"
    finally:
        for window, broken, began in there:
            _mend(story, window, broken, began)


def _mend(story: Story, window: Window, broken: Broken, began: float) -> None:
    try:
        broken.end()
    except AssertionError as error:
        story.failures.append(f"{window.fault.name}: {error}")
    story.seen.append(Seen(window.fault, began, time.monotonic(), broken.seen))
    if not broken.seen:
        say(f"          {window.fault.name}: nothing was seen of it")


def settle(story: Story) -> None:
    """Wait until everything is level, resolve what is unknown, and check every promise."""
    world = story.world
    say("waiting until everything is level (I22)")
    assert world.running.is_up(), "The supervisor is gone."
    _note(story, "I13 every unknown outcome was resolved by its key", lambda: _resolve(story))
    _note(story, "I22 everything was level in time", lambda: _wait_until_level(story))
    say("holding the books against the journals")
    for clients in story.everybody:
        _check_clients(story, clients)
    for name, check in _database_checks(world).items():
        _note(story, name, check)
    _note(story, "I7-I9 Kafka has every event, in order", lambda: _compare_topic(world))
    _note(story, "I21 no cached balance outlives its time", lambda: _cached(story))
    _note(story, "webhooks told every event of their client", lambda: _compare_webhooks(story))
    _note(story, "I4 verify_ledger finds the books sound", lambda: _prove(world))
    _note(story, "the run was not empty", lambda: _not_empty(story))


def _note(story: Story, name: str, check: Callable[[], None]) -> None:
    began = time.monotonic()
    try:
        check()
    except AssertionError as error:
        story.failures.append(f"{name}: {str(error)[:2_000]}")
        say(f"  RED    {name}: {str(error)[:500]}")
    else:
        story.held.append(name)
        say(f"  holds  {name} ({time.monotonic() - began:.1f} s)")


def _resolve(story: Story) -> None:
    """Send every op that is not known again, with its key, until its outcome is definite."""

    def one(clients: Clients, op: Op) -> None:
        caller = Caller(clients.service)
        deadline = time.monotonic() + RESOLVED_SECONDS
        while op.outcome is Outcome.INFO:
            assert time.monotonic() < deadline, f"{op.key} is still unknown"
            answer = caller.carry_out(op)
            clients.journal.conclude(op, answer)
            if answer.outcome is Outcome.INFO:
                time.sleep(0.2)

    with ThreadPoolExecutor(RESOLVERS) as pool:
        sent = [
            pool.submit(one, clients, op)
            for clients in story.everybody
            for op in clients.journal.having(Outcome.INFO)
        ]
        for each in sent:
            each.result()
    for clients in story.everybody:
        checks.no_op_is_left_unknown(clients.journal)


def _wait_until_level(story: Story) -> None:
    world, resolved = story.world, time.monotonic()

    def wait(look: Callable[[], bool], what: str) -> None:
        # What is asked for may itself not be there yet.
        left = resolved + LIVENESS_SECONDS - time.monotonic()
        parts.until(look, what=what, seconds=max(left, 5.0))
        story.level_after = time.monotonic() - resolved

    wait(lambda: _is_ready(story.crowd.service), "/health/ready with every part up")
    wait(lambda: books.count_unpublished(world.database) == 0, "an empty outbox")
    wait(lambda: holding.everything_has_ended(world.database), "the end of payouts and operations")
    wait(lambda: books.count_unpublished(world.database) == 0, "an empty outbox")
    wait(lambda: sql_checks.consumers_have_everything(world.database), "consumers that are level")
    wait(lambda: sql_checks.servers_agree(world.database, world.replica), "a level replica")


def _is_ready(service: Service) -> bool:
    with (
        suppress(OSError),
        urllib.request.urlopen(service.base + "/health/ready", timeout=15) as it,
    ):
        return b'"status": "ok"' in it.read()
    return False


def _check_clients(story: Story, clients: Clients) -> None:
    journal, caller = clients.journal, Caller(clients.service)
    found = books.read(story.world.database, clients.wallets)
    name = journal.name
    if clients is not story.holders:
        plain: dict[str, Callable[[], None]] = {
            "I11 what was acknowledged is there": lambda: (
                checks.what_was_acknowledged_is_in_the_books(journal, found)
            ),
            "I12 nothing else is": lambda: checks.nothing_else_is_in_the_books(journal, found),
            "I16 order follows real time": lambda: checks.versions_follow_real_time(journal, found),
            "I5 never below zero": lambda: checks.no_balance_was_ever_negative(found),
            "I2 the money adds up": lambda: checks.the_money_adds_up(journal, found),
        }
    else:
        plain = _checks_of_holders(story, found)
    both: dict[str, Callable[[], None]] = {
        "answers keep their manners": lambda: keep_their_manners(journal.answers),
        "nobody was left hanging": lambda: checks.every_request_ended_in_time(
            journal.answers, seconds=_patience(story)
        ),
        "I10 a repeat is told the same": lambda: checks.a_repeat_is_told_the_same(journal, caller),
        "I2 the API tells the books": lambda: checks.the_api_tells_the_books(caller, found),
        "I10 no repeat moved money": lambda: _same(story.world, clients, found),
    }
    for what, check in (plain | both).items():
        _note(story, f"{name}: {what}", check)


def _checks_of_holders(story: Story, found: Books) -> dict[str, Callable[[], None]]:
    url, journal = story.world.database, story.holders.journal
    return {
        "I17 payouts end once, as the gateway says": lambda: holding.payouts_are_paid_once_or_not(
            journal, url, story.world.gateway.ledger
        ),
        "I10 operations are made once": lambda: holding.operations_are_made_once(journal, url),
        "I2 the money adds up": lambda: holding.the_money_of_holders_adds_up(journal, found, url),
    }


def _same(world: World, clients: Clients, before: Books) -> None:
    assert books.read(world.database, clients.wallets) == before


def _patience(story: Story) -> float:
    """Who was kept from the edge itself waits as long as that lasted."""
    return HANGS_SECONDS if not _client_road_was_broken(story) else 60.0


def _client_road_was_broken(story: Story) -> bool:
    return any(one.fault.target == "client" for one in story.seen)


def _database_checks(world: World) -> dict[str, Callable[[], None]]:
    url = world.database
    return {
        "I1 every entry sums to zero": lambda: sql_checks.entries_sum_to_zero(url),
        "I2 row, last posting and sum agree": lambda: sql_checks.balances_agree(url),
        "I3 chains are whole and never below zero": lambda: sql_checks.chains_are_whole(url),
        "I6 movements and events match": lambda: sql_checks.every_movement_has_its_events(url),
        "I9 nothing was published before it was true": (
            lambda: sql_checks.marks_are_younger_than_facts(url)
        ),
        "I10 the index of keys is there": lambda: sql_checks.keys_are_unique(url),
        "I17 holds end once": lambda: sql_checks.holds_end_once(url),
        "I18 the books cannot be changed": lambda: sql_checks.books_cannot_be_changed(url),
        "I20 consumers had each event once": lambda: sql_checks.effects_happen_once(url),
    }


def _compare_topic(world: World) -> None:
    events = books.read_outbox(world.database)
    records = read_topic(world.direct["KAFKA_TOPIC_PREFIX"] + "wallet.events.v1")
    checks.every_event_is_in_kafka(events, records)
    checks.events_keep_the_order_of_their_wallet(
        events, records, books.read_versions(world.database)
    )


def _cached(story: Story) -> None:
    caller = Caller(story.crowd.service)
    found = books.read(story.world.database, story.crowd.wallets)
    deadline = time.monotonic() + CACHED_SECONDS
    for wallet, balance in found.balances.items():
        while True:
            told = caller.send("GET", f"/wallets/{wallet}/balance")
            if told.status == 200 and minor_of(told.json["balance"]) == balance:
                break
            assert time.monotonic() < deadline, f"{wallet} is told to have {told}, not {balance}"
            time.sleep(0.2)


def _compare_webhooks(story: Story) -> None:
    of_client = {
        str(event.id)
        for event in books.read_outbox(story.world.database)
        if str(event.stream) in story.holders.wallets
    }
    # What happened before the endpoint was made is not told.
    before = 2 * len(story.holders.wallets)

    def missing() -> int:
        return len(of_client - set(story.world.receiver.ids))

    parts.until(lambda: missing() <= before, what="webhooks of every event", seconds=60)


def _prove(world: World) -> None:
    assert world.running.service.prove().endswith("sound.\n")


def _not_empty(story: Story) -> None:
    ops = [op for journal in story.journals() for op in journal.ops]
    least = LEAST_OPS_A_SECOND * story.seconds
    assert len(ops) >= least, f"{len(ops)} operations are too few to say anything; wanted {least}"
    unseen = [one.fault.name for one in story.seen if not one.what]
    assert story.seen, "no fault was there"
    assert not unseen, f"nothing was seen of {', '.join(unseen)}"
    kinds = {one.fault.kind for one in story.seen}
    if {"kill", "crash"} & kinds:
        assert any(op.was_unknown for op in ops), "somebody was killed, and no outcome was unknown"
    done = {(op.verb, op.outcome) for op in ops}
    wanted = {"deposit", "withdraw", "transfer", "hold", "payout", "operation-deposit"}
    assert {(verb, Outcome.OK) for verb in wanted} <= done
    for clients, read in ((story.crowd, "read-your-writes"), (story.bank, "bank-total")):
        assert clients.reads[read] > 0, f"{read} was never read"
