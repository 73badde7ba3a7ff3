"""When the daily series and the rules wait for the book, and for how long."""

from __future__ import annotations

import pytest

from tidebook.engine.runner.giving_way import GivingWay, LastSay


def test_a_round_begins_at_once_when_nothing_comes_in() -> None:
    giving_way = GivingWay()
    assert giving_way.pause_seconds(100.0, is_behind=False, arrived=0) == 0.0
    giving_way.ran(100.0, 100.8, beside_others=False)
    assert giving_way.pause_seconds(100.8, is_behind=False, arrived=1) == 0.0


def test_a_round_beside_new_facts_is_followed_by_a_rest_of_five_times_its_time() -> None:
    giving_way = GivingWay()
    giving_way.ran(100.0, 100.1, beside_others=True)
    assert giving_way.pause_seconds(100.1, is_behind=False, arrived=1) == 0.25
    assert giving_way.pause_seconds(100.5, is_behind=False, arrived=2) == pytest.approx(0.1)
    assert giving_way.pause_seconds(100.61, is_behind=False, arrived=3) == 0.0


def test_a_round_beside_new_facts_values_fewer_portfolios() -> None:
    giving_way = GivingWay()
    assert giving_way.portfolios_max(100.0) == 500
    giving_way.pause_seconds(100.0, is_behind=False, arrived=1)
    assert giving_way.portfolios_max(100.0) == 150
    giving_way.pause_seconds(100.4, is_behind=False, arrived=1)
    assert giving_way.portfolios_max(100.5) == 500


def test_a_rest_is_five_seconds_at_the_most() -> None:
    giving_way = GivingWay()
    giving_way.ran(100.0, 110.0, beside_others=True)
    assert giving_way.pause_seconds(114.9, is_behind=False, arrived=1) == pytest.approx(0.1)
    assert giving_way.pause_seconds(115.0, is_behind=False, arrived=2) == 0.0


def test_a_rest_ends_when_nothing_has_come_for_half_a_second() -> None:
    giving_way = GivingWay()
    giving_way.ran(100.0, 101.0, beside_others=True)
    pauses = [
        giving_way.pause_seconds(at, is_behind=False, arrived=arrived)
        for at, arrived in ((101.0, 1), (101.4, 1), (101.4, 2), (101.8, 2), (101.9, 2))
    ]
    assert pauses == [0.25, 0.25, 0.25, 0.25, 0.0]


def test_while_the_book_is_behind_a_round_waits_three_seconds_and_no_longer() -> None:
    giving_way = GivingWay()
    pauses = [
        giving_way.pause_seconds(at, is_behind=True, arrived=0)
        for at in (100.0, 101.5, 102.9, 103.0)
    ]
    assert pauses == [0.25, 0.25, 0.25, 0.0]
    assert giving_way.pause_seconds(103.1, is_behind=True, arrived=0) == 0.25


def test_the_further_the_book_is_behind_the_longer_a_round_waits_but_no_minute_more() -> None:
    def waits_until(unbooked: int) -> float:
        giving_way = GivingWay()
        at = 100.0
        while giving_way.pause_seconds(at, is_behind=True, arrived=0, unbooked=unbooked):
            at += 0.25
        return at

    assert waits_until(24_000) == 103.0
    assert waits_until(80_000) == 110.0
    assert waits_until(1_000_000) == 160.0


def test_how_long_a_round_waits_is_decided_when_it_begins_to() -> None:
    giving_way = GivingWay()
    assert giving_way.pause_seconds(100.0, is_behind=True, arrived=0, unbooked=80_000) == 0.25
    assert giving_way.pause_seconds(109.9, is_behind=True, arrived=0, unbooked=8_000) == 0.25
    assert giving_way.pause_seconds(110.0, is_behind=True, arrived=0, unbooked=8_000) == 0.0


def test_who_waited_in_vain_is_not_held_to_it_when_the_book_has_caught_up() -> None:
    giving_way = GivingWay()
    assert giving_way.pause_seconds(100.0, is_behind=True, arrived=0) == 0.25
    assert giving_way.pause_seconds(100.2, is_behind=False, arrived=0) == 0.0
    assert giving_way.pause_seconds(104.0, is_behind=True, arrived=0) == 0.25


def _may(last_say: LastSay, now: float, *, arrived: int, waiting: int = 0) -> bool:
    return last_say.may_begin(
        now, arrived=arrived, is_waiting=waiting > 0, is_behind=waiting > 1_000
    )


def test_trades_are_judged_when_nothing_has_moved_for_half_a_second() -> None:
    last_say = LastSay(100.0)
    assert not _may(last_say, 100.0, arrived=7)
    assert not _may(last_say, 100.4, arrived=7)
    assert _may(last_say, 100.5, arrived=7)
    assert not _may(last_say, 100.6, arrived=8)


def test_beside_a_trickle_trades_are_judged_for_a_fifth_of_the_time() -> None:
    last_say = LastSay(100.0)
    last_say.ran(100.0, 100.5)
    moments = [100.5 + step / 4 for step in range(20)]
    begun = [now for place, now in enumerate(moments) if _may(last_say, now, arrived=place)]
    assert begun[0] == 102.5


def test_a_round_that_found_nothing_is_followed_by_a_second_of_rest() -> None:
    last_say = LastSay(100.0)
    last_say.ran(100.0, 100.001)
    assert not _may(last_say, 100.9, arrived=1)
    assert _may(last_say, 101.1, arrived=2)


def test_while_the_book_is_far_behind_trades_are_judged_seldom() -> None:
    last_say = LastSay(100.0)
    last_say.ran(100.0, 100.1)
    assert not _may(last_say, 105.0, arrived=1, waiting=5_000)
    assert not _may(last_say, 110.0, arrived=1, waiting=5_000)
    assert _may(last_say, 110.2, arrived=2, waiting=5_000)
