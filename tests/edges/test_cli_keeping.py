"""``tidebook dlq`` and ``tidebook retention``."""

from __future__ import annotations

import json

from tests.unit.cli.memory_book import MemoryBook, Openings
from tests.unit.cli.memory_letters import LETTER, MemoryLetters
from tests.unit.cli.terminal import terminal


def _openings() -> Openings:
    openings = Openings(MemoryBook())
    other = LETTER._replace(letter_id="raw_fx_rates.dlq-0-4", original_topic="raw_fx_rates")
    openings.letters = MemoryLetters(LETTER, other)
    return openings


def test_letters_are_listed_with_the_reason_and_the_record() -> None:
    result = terminal(_openings(), "dlq", "list", "--topic", "raw_transactions", "-o", "json")
    assert result.exit_code == 0
    (letter,) = json.loads(result.stdout)["dead_letters"]
    assert letter["letter_id"] == LETTER.letter_id
    assert letter["reason"] == LETTER.reason
    assert json.loads(letter["value"]) == {"transaction_id": "T1"}
    assert letter["replayed_at"] is None
    table = terminal(_openings(), "dlq", "list", "-o", "table").stdout
    assert table.startswith("2 dead letters")


def test_a_letter_is_replayed_once_and_then_listed_only_on_request() -> None:
    openings = _openings()
    sent = terminal(openings, "dlq", "replay", LETTER.letter_id, "-o", "json")
    assert [each["letter_id"] for each in json.loads(sent.stdout)["dead_letters"]] == [
        LETTER.letter_id
    ]
    again = terminal(openings, "dlq", "replay", LETTER.letter_id, "-o", "json")
    assert json.loads(again.stdout) == {"dead_letters": []}
    left = json.loads(terminal(openings, "dlq", "list", "-o", "json").stdout)["dead_letters"]
    assert [each["letter_id"] for each in left] == ["raw_fx_rates.dlq-0-4"]
    everything = terminal(openings, "dlq", "list", "--all", "-o", "json")
    assert len(json.loads(everything.stdout)["dead_letters"]) == 2


def test_all_letters_are_replayed_together() -> None:
    result = terminal(_openings(), "dlq", "replay", "--all", "-o", "json")
    assert len(json.loads(result.stdout)["dead_letters"]) == 2


def test_naming_none_or_one_that_there_is_not_is_refused() -> None:
    assert terminal(_openings(), "dlq", "replay").exit_code == 2
    assert terminal(_openings(), "dlq", "replay", LETTER.letter_id, "--all").exit_code == 2
    unknown = terminal(_openings(), "dlq", "replay", "raw_transactions.dlq-0-9")
    assert unknown.exit_code == 4
    assert "dead-letter.unknown" in unknown.stderr


def test_retention_says_how_many_rows_of_which_table_went() -> None:
    openings = _openings()
    openings.retired = {"event_log": 12, "entries": 3}
    result = terminal(openings, "retention", "-o", "json")
    assert json.loads(result.stdout) == {"deleted": {"event_log": 12, "entries": 3}}
    table = terminal(openings, "retention", "-o", "csv").stdout
    assert table.splitlines() == ["table,deleted", "entries,3", "event_log,12"]
    assert [run for _, run in openings.seen] == [False, False]
