"""What the rules on losses say of each sale."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.unit.compliance.lot_history import bought, sold
from tidebook.book.trades import Side
from tidebook.compliance.taxes import (
    Account,
    AccountKind,
    AssetClass,
    SuperficialTerms,
    WashTerms,
    match_superficial,
    match_washes,
    superficial_verdicts,
    wash_verdicts,
)
from tidebook.compliance.taxes.wash_terms import NOT_A_SECURITY
from tidebook.compliance.verdicts import Status

if TYPE_CHECKING:
    from tidebook.compliance.taxes import LotEvent
    from tidebook.compliance.verdicts import Verdict

D = Decimal
OLD = bought("old", "2024-01-10", 10)
NEW = bought("new", "2024-06-10", 4)
SALE = sold("s", "2024-06-03", OLD, 10, (400, 600))
LAST, AFTER, LATER = date(2024, 7, 3), date(2024, 7, 4), date(2024, 12, 1)
SHELTERED = NEW._replace(lot=NEW.lot._replace(account_id="B"))


def washed(events: list[LotEvent], as_of: date, terms: WashTerms | None = None) -> Verdict:
    (found,) = wash_verdicts(match_washes(events, terms or WashTerms()).sales, as_of)
    return found


def denied(events: list[LotEvent], as_of: date, kind: AccountKind = AccountKind.TFSA) -> Verdict:
    terms = SuperficialTerms({"B": Account("B", kind)})
    (found,) = superficial_verdicts(match_superficial(events, terms).sales, as_of)
    return found


def figures(found: Verdict) -> dict[str, Decimal | None]:
    return {one.name: one.value for one in found.amounts}


def test_a_washed_loss_is_flagged_with_its_amounts_and_both_lots() -> None:
    found = washed([OLD, SALE, NEW], LATER)
    assert (found.status, found.subject, found.clears_on) == (Status.FLAG, "s", None)
    assert figures(found) == {
        "gain_before_rule": D(-200),
        "disallowed": D(80),
        "permanent": D(0),
        "recognised": D(-120),
    }
    assert [(one.kind, one.ids[-1], one.quantity) for one in found.evidence] == [
        ("sold_lot", "old", D(10)),
        ("replacement", "new", D(4)),
    ]
    assert "legal or tax advice" in found.remedy


def test_what_is_left_of_a_loss_stays_open_until_the_window_has_passed() -> None:
    found = washed([OLD, SALE, NEW], LAST)
    assert (found.status, found.clears_on) == (Status.FLAG, AFTER)
    assert "can still be washed until 2024-07-03" in found.reason


def test_a_loss_in_its_window_is_provisional_and_then_passes() -> None:
    found = washed([OLD, SALE], LAST)
    assert (found.status, found.clears_on) == (Status.PROVISIONAL, AFTER)
    assert washed([OLD, SALE], AFTER).status is Status.PASS


def test_a_gain_passes_in_its_window() -> None:
    gain = sold("s", "2024-06-03", OLD, 10, (700, 600))
    assert washed([OLD, gain], LAST).status is Status.PASS
    assert denied([OLD, gain], LAST).status is Status.PASS


def test_what_the_rule_does_not_reach_says_why() -> None:
    found = washed([OLD, SALE, NEW], LAST, WashTerms(classes={"X": AssetClass.DIGITAL_ASSET}))
    assert (found.status, found.reason) == (Status.NOT_APPLICABLE, NOT_A_SECURITY)


def test_a_loss_replaced_in_a_sheltered_account_is_said_to_be_lost() -> None:
    found = washed([OLD, SALE, SHELTERED], LATER, WashTerms({"B": Account("B", AccountKind.IRA)}))
    assert found.amount("permanent") == D(80)
    assert "lost" in found.remedy


def test_what_the_law_does_not_decide_is_never_passed() -> None:
    # Covered at a loss, while identical stock is sold ten days later: 1091(e)(1).
    short = bought("ss", "2024-05-01", 10)._replace(side=Side.SHORT)
    cover = sold("bc", "2024-05-10", short, 10, (500, 550))._replace(side=Side.SHORT)
    stock = sold("s", "2024-05-20", OLD, 10, (700, 600))
    view = match_washes([OLD, short, cover, stock], WashTerms())
    first, second = wash_verdicts(view.sales, LATER)
    assert (first.subject, first.status) == ("bc", Status.PROVISIONAL)
    assert first.reason.startswith("identical stock was sold")
    assert second.status is Status.PASS


def test_a_denied_loss_is_flagged_with_its_amounts() -> None:
    found = denied([OLD, SALE, NEW], LATER)
    assert (found.status, found.clears_on) == (Status.FLAG, None)
    assert figures(found) == {
        "gain_before_rule": D(-200),
        "denied": D(80),
        "permanent": D(0),
        "allowed": D(-120),
    }
    assert [one.kind for one in found.evidence] == ["sale", "substitute"]


def test_a_denied_loss_may_come_back_until_the_window_ends() -> None:
    found = denied([OLD, SALE, NEW], LAST)
    assert (found.status, found.clears_on) == (Status.FLAG, AFTER)
    assert denied([OLD, SALE], LAST).status is Status.PROVISIONAL
    assert denied([OLD, SALE], AFTER).status is Status.PASS


def test_what_a_registered_account_buys_is_said_to_be_lost() -> None:
    found = denied([OLD, SALE, SHELTERED], LATER)
    assert found.amount("permanent") == D(80)
    assert "lost for good" in found.evidence[1].note
    assert "is lost" in found.remedy
