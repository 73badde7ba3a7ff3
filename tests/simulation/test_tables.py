"""The store in memory has the transactions of the real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulation.scheduler import Scheduler
from tests.simulation.swarm import chance
from tests.simulation.tables import Locks, Table, Transaction
from tidebook.errors import FencedError

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def scheduler() -> Scheduler:
    return Scheduler(chance("order", 1), switch_chance=0.5, steps_max=1000)


@pytest.fixture
def locks(scheduler: Scheduler) -> Locks:
    return Locks(scheduler)


@pytest.fixture
def table() -> Table[str, int]:
    return Table("numbers", parity=lambda _, row: row % 2)


def test_nobody_sees_what_is_not_committed(locks: Locks, table: Table[str, int]) -> None:
    writer, reader = Transaction(locks), Transaction(locks)
    writer.of(table).put("a", 1)
    assert writer.of(table).get("a") == 1
    assert reader.of(table).get("a") is None
    changes = writer.commit()
    assert reader.of(table).get("a") == 1
    assert changes["numbers"]["a"] == (None, 1)


def test_what_is_not_committed_is_gone(locks: Locks, table: Table[str, int]) -> None:
    writer = Transaction(locks)
    writer.of(table).put("a", 1)
    writer.end()
    assert table.rows == {}
    Transaction(locks).of(table).put("a", 2)


def test_an_index_follows_what_is_written(locks: Locks, table: Table[str, int]) -> None:
    first = Transaction(locks)
    for name, number in (("a", 1), ("b", 2), ("c", 3)):
        first.of(table).put(name, number)
    first.commit()
    second = Transaction(locks)
    second.of(table).put("a", 4)
    second.of(table).delete("c")
    assert sorted(second.of(table).where("parity", 0)) == [("a", 4), ("b", 2)]
    assert second.of(table).where("parity", 1) == []
    assert [key for key, _ in Transaction(locks).of(table).where("parity", 1)] == ["a", "c"]
    second.commit()
    assert sorted(table.indexes["parity"][0]) == ["a", "b"]


def test_a_key_is_inserted_once(locks: Locks, table: Table[str, int]) -> None:
    first = Transaction(locks)
    first.of(table).insert("a", 1)
    first.commit()
    with pytest.raises(FencedError):
        Transaction(locks).of(table).insert("a", 2)


def _run(scheduler: Scheduler, *bodies: Callable[[], None]) -> None:
    left = len(bodies)

    def counted(body: Callable[[], None]) -> None:
        nonlocal left
        try:
            body()
        finally:
            left -= 1
            if not left:
                scheduler.end()

    for number, body in enumerate(bodies):
        scheduler.spawn(str(number), lambda body=body: counted(body))
    scheduler.run()


def test_no_update_is_lost(scheduler: Scheduler, locks: Locks, table: Table[str, int]) -> None:
    def count() -> None:
        for _ in range(20):
            transaction = Transaction(locks)
            row = transaction.of(table).locked("a") or 0
            scheduler.point()
            transaction.of(table).put("a", row + 1)
            transaction.commit()

    _run(scheduler, count, count, count)
    assert table.rows["a"] == 60


def test_of_two_that_wait_for_each_other_one_is_refused(
    scheduler: Scheduler, locks: Locks, table: Table[str, int]
) -> None:
    refused: list[str] = []
    done: list[str] = []

    def take(first: str, second: str) -> Callable[[], None]:
        def body() -> None:
            transaction = Transaction(locks)
            try:
                transaction.of(table).put(first, 1)
                scheduler.sleep(1.0)
                transaction.of(table).put(second, 1)
                transaction.commit()
                done.append(first)
            except FencedError:
                transaction.end()
                refused.append(first)

        return body

    _run(scheduler, take("a", "b"), take("b", "a"))
    assert len(refused) == len(done) == 1


def test_shared_holds_meet_and_an_exclusive_one_waits(scheduler: Scheduler, locks: Locks) -> None:
    seen: list[str] = []

    def share(name: str) -> Callable[[], None]:
        def body() -> None:
            transaction = Transaction(locks)
            transaction.lock("all", shared=True)
            seen.append(f"{name} in")
            scheduler.sleep(1.0)
            seen.append(f"{name} out")
            transaction.end()

        return body

    def own() -> None:
        scheduler.sleep(0.5)
        transaction = Transaction(locks)
        transaction.lock("all", shared=False)
        seen.append("alone")
        transaction.end()

    _run(scheduler, share("a"), share("b"), own)
    assert sorted(seen[:2]) == ["a in", "b in"]
    assert seen[-1] == "alone"
