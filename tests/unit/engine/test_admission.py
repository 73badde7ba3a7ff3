from datetime import UTC, datetime

import pytest

from tests.fixtures.engine_facts import FIRST, trade
from tidebook.engine.stages.admission import Incoming, admit
from tidebook.engine.store import StoredFact
from tidebook.model.facts import Transaction, content_hash


def _stored(fact: Transaction, version: int = 1) -> dict[str, StoredFact]:
    known = StoredFact(version, content_hash(fact), "P1", FIRST, "ACME", "CASH_USD", waits=False)
    return {fact.transaction_id: known}


def _arrive(*facts: Transaction) -> list[Incoming]:
    return [Incoming(fact, "request") for fact in facts]


def test_a_new_fact_is_its_first_version() -> None:
    admission = admit(_arrive(trade("T1", 10, 5)), {})
    assert admission.current["T1"].version == 1
    assert admission.replaced == {}
    assert admission.duplicates == 0


def test_the_same_fact_again_is_a_duplicate() -> None:
    fact = trade("T1", 10, 5)
    admission = admit(_arrive(fact, fact), _stored(fact))
    assert admission.current == {}
    assert admission.duplicates == 2


def test_other_content_is_the_next_version_and_names_what_it_replaces() -> None:
    before = trade("T1", 10, 5)
    admission = admit(_arrive(trade("T1", 12, 5)), _stored(before, version=3))
    assert admission.current["T1"].version == 4
    assert admission.replaced == _stored(before, version=3)


def test_of_several_versions_in_one_batch_the_last_one_counts() -> None:
    admission = admit(_arrive(trade("T1", 10, 5), trade("T1", 11, 5), trade("T1", 12, 5)), {})
    assert admission.current["T1"].transaction.quantity == 12
    assert admission.current["T1"].version == 3
    assert [each.version for each in admission.overtaken] == [1, 2]


def test_a_batch_that_comes_back_to_what_is_stored_changes_nothing() -> None:
    first, second = trade("T1", 10, 5), trade("T1", 12, 5)
    admission = admit(_arrive(first, second), _stored(second, version=2))
    assert admission.current == {}
    assert admission.overtaken == ()
    assert admission.replaced == {}
    assert admission.duplicates == 2


@pytest.mark.parametrize("note", ["", "as agreed"])
def test_every_field_belongs_to_the_content(note: str) -> None:
    fact = trade("T1", 10, 5)
    changed = fact._replace(note=note, traded_at=datetime(2024, 3, 1, 9, tzinfo=UTC))
    assert admit(_arrive(changed), _stored(fact)).current["T1"].version == 2
