"""What findings say, and what they wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.model.findings import (
    Severity,
    amount_mismatch,
    missing_rate,
    nothing_held,
    oversold,
    redundant_settlement,
    unknown_instrument,
    unknown_portfolio,
)

if TYPE_CHECKING:
    from tidebook.model.findings import (
        Finding,
    )


def test_a_waiting_fact_names_what_would_make_it_bookable() -> None:
    waits = {
        unknown_portfolio("t", "P1"): "portfolio:P1",
        unknown_instrument("t", "ACME"): "instrument:ACME",
        oversold("t", ("P1", "ACME"), "5", "3"): "key:P1/ACME",
        nothing_held("t", ("P1", "ACME")): "key:P1/ACME",
    }
    for finding, awaited in waits.items():
        assert (finding.severity, finding.waits_for) == (Severity.WAITING, awaited)


def test_a_missing_rate_waits_for_its_pair_in_one_order() -> None:
    one = missing_rate("t", "USD", "EUR", "2025-01-02")
    other = missing_rate("t", "EUR", "USD", "2025-01-02")
    assert one.waits_for == other.waits_for == "rate:EUR/USD"
    assert one.sentence == "no exchange rate from USD to EUR is known on or before 2025-01-02"


def test_a_warning_waits_for_nothing() -> None:
    for finding in (amount_mismatch("t", "100", "90"), redundant_settlement("t", "CASH_USD")):
        assert (finding.severity, finding.waits_for) == (Severity.WARNING, None)


def test_every_finding_says_what_and_what_to_do_about_it() -> None:
    found: list[Finding] = [
        unknown_portfolio("t", "P1"),
        unknown_instrument("t", "ACME"),
        missing_rate("t", "USD", "EUR", "2025-01-02"),
        oversold("t", ("P1", "ACME"), "5", "3"),
        nothing_held("t", ("P1", "ACME")),
        amount_mismatch("t", "100", "90"),
        redundant_settlement("t", "CASH_USD"),
    ]
    assert len({finding.code for finding in found}) == len(found)
    for finding in found:
        assert finding.transaction_id == "t"
        assert finding.remedy
        assert not finding.sentence.endswith(".")


def test_the_oversold_sentence_holds_both_quantities() -> None:
    assert oversold("t", ("P1", "ACME"), "5", "3").sentence == (
        "5 ACME were to leave P1, which held 3"
    )
