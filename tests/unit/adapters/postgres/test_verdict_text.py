"""Verdicts as they lie in a column of bytes, and what was written there before."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from zlib import compress

from tidebook.adapters.postgres.verdict_text import packed, text_of, unpacked, verdicts_from
from tidebook.compliance.packs import RULE_SETS
from tidebook.compliance.verdicts import Amount, Evidence, Status, Verdict

TEXT = (
    b'[["opposite_trade","1","pass","T-17","no trade the other way came before it on the day",'
    b'[],[],null,""]]'
)
KEPT = "582850bfa0ac0305349e100ad1353407da456928c50200cf64216a"
"""The text as rows hold it."""


def test_a_verdict_is_read_as_it_was_packed() -> None:
    ruleset = next(one for one in RULE_SETS if one.rule_id == "order_value_limit")
    verdict = Verdict(
        ruleset.rule_id,
        ruleset.version,
        Status.FLAG,
        "T-17",
        "the trade is worth 1200000, more than 1000000",
        (Evidence("opposite_trade", ("T-16",), date(2026, 5, 4), Decimal("1.50")),),
        (Amount("order_value", Decimal("1200000.00"), "USD"),),
        date(2026, 6, 5),
        "split the order, or have its size approved",
        ruleset.source_url,
    )
    assert verdicts_from(packed(text_of((verdict,)))) == (verdict,)


def test_a_row_that_was_packed_with_words_is_read() -> None:
    assert unpacked(bytes.fromhex(KEPT)) == TEXT


def test_a_row_that_was_packed_without_words_is_read() -> None:
    assert unpacked(compress(TEXT, 1)) == TEXT


def test_what_most_verdicts_say_takes_little_room() -> None:
    assert len(packed(TEXT)) < len(TEXT) // 3
