"""Seeds that showed a fault of the product, and what they found: each is run with every change.

A seed draws another run once the simulation draws differently. So each finding is also held by the
mutant that brings the fault back, or by a test of its own on PostgreSQL
(``tests/faults/test_batches_that_meet.py``) where several things must coincide to show it.
"""

from __future__ import annotations

from typing import Final

REGRESSIONS: Final[tuple[tuple[int, str], ...]] = (
    (0, "the leader ended when taking over was refused, and kept the lead (leader_gives_up)"),
    (
        85,
        (
            "an amendment met a worker that booked the version before, and left its cash behind "
            "(test_what_it_replaces_leaves_both_its_keys); after a step of the clock a row ended "
            "before it began (clock_trusted)"
        ),
    ),
    (
        1_001_381,
        (
            "a batch on a cash account took from it what a new policy moves to another key, before "
            "that key was folded again (test_what_a_new_policy_moves_is_never_out_of_sight)"
        ),
    ),
    (
        2_001_027,
        (
            "a batch folded a cash account on under a new policy before it was folded again "
            "(test_cash_is_paid_out_before_its_account_is_folded_under_a_new_policy)"
        ),
    ),
    (
        2_000_094,
        "two that waited for each other's locks by turns had a record set apart for nothing",
    ),
    (
        3_000_116,
        (
            "two that waited for each other's locks seven times over had a record set apart "
            "(test_who_is_refused_a_lock_is_tried_until_it_is_let_through)"
        ),
    ),
    (
        2_001_684,
        (
            "cash of an action that names no currency went with the next fold of its account "
            "(test_cash_of_an_action_without_a_currency_stays)"
        ),
    ),
    (
        2_001_187,
        (
            "what waited for a rate because of what it was to become was not tried again "
            "(test_what_waits_for_a_rate_is_tried_again_when_it_is_to_become_something_else)"
        ),
    ),
    (
        11_011_048,
        (
            "a fact that a new policy moves to a key that its batch had folded already was on none "
            "(test_what_comes_back_to_a_key_that_was_folded_already_is_on_it)"
        ),
    ),
    (71, "a sale that was refused had levelled its pool (levelled_though_refused)"),
    (203, "an action that was cancelled was said to wait for ever (cancelled_action_waits)"),
    (
        1_001_052,
        (
            "what waited for a security to be no cash was not woken when it was none any more "
            "(test_what_waits_for_an_instrument_to_be_no_cash_is_woken_when_it_is)"
        ),
    ),
)

OVER_A_BUS: Final[tuple[tuple[int, str], ...]] = (
    (
        0,
        (
            "who was fenced off while the store was away dropped what it had received, and had the "
            "log shipped again "
            "(test_who_is_fenced_off_drops_nothing_before_the_store_says_from_where_on)"
        ),
    ),
    (
        10,
        (
            "a batch that was being taken apart when the store went away was begun again for ever "
            "(taken_apart_for_ever)"
        ),
    ),
)
"""The same of runs with a bus between the processes."""
