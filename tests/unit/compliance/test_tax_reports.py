"""The rows of Form 8949, and the list of lots."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.unit.compliance.lot_history import bought, sold
from tidebook.book.trades import Side
from tidebook.compliance.taxes import (
    FORM_8949_COLUMNS,
    Form8949Row,
    History,
    LotCost,
    Reporting,
    WashTerms,
    form_8949,
    match_washes,
    tax_lots,
)

D = Decimal
OLD = bought("old", "2023-01-10", 100)
NEW = bought("new", "2024-06-10", 40)
SALE = sold("s", "2024-06-03", OLD, 100, (2500, 3000))


def test_a_washed_loss_is_a_row_with_code_w_and_a_positive_adjustment() -> None:
    view = match_washes([OLD, SALE, NEW], WashTerms())
    (row,) = form_8949(view.sales, Reporting.BASIS_REPORTED)
    assert row == Form8949Row(
        "D",
        "100 X",
        date(2023, 1, 10),
        date(2024, 6, 3),
        D(2500),
        D(3000),
        "W",
        D(200),
        D(-300),
    )
    assert len(FORM_8949_COLUMNS) == len(row)


def test_a_row_without_a_wash_has_no_code() -> None:
    view = match_washes([OLD, SALE], WashTerms())
    (row,) = form_8949(view.sales)
    assert (row.box, row.code, row.adjustment, row.gain_or_loss) == ("F", "", D(0), D(-500))


def test_tacked_days_move_a_row_to_the_long_term_and_leave_the_date_acquired() -> None:
    later = sold("s2", "2024-07-10", NEW, 40, (1400, 1040))
    rows = form_8949(match_washes([OLD, SALE, NEW, later], WashTerms()).sales)
    assert (rows[1].box, rows[1].date_acquired) == ("F", date(2024, 6, 10))
    assert (rows[1].cost_or_other_basis, rows[1].gain_or_loss) == (D(1240), D(160))


def test_parts_of_a_lot_that_differ_only_in_what_they_carry_are_one_row() -> None:
    # Ten of 40 carry 50, and either 10 days, so that all are short term, or 510 days.
    young = bought("old", "2024-05-24", 10)
    washed = sold("s", "2024-06-03", young, 10, (250, 300))
    later = sold("s2", "2024-08-10", NEW, 20, (700, 520))
    rows = form_8949(match_washes([young, washed, NEW, later], WashTerms()).sales)
    assert [(row.box, row.description) for row in rows] == [("C", "10 X"), ("C", "20 X")]
    assert (rows[1].cost_or_other_basis, rows[1].gain_or_loss) == (D(570), D(130))
    long = sold("s", "2024-06-03", OLD, 10, (250, 300))
    rows = form_8949(match_washes([OLD, long, NEW, later], WashTerms()).sales)
    assert [(row.box, row.description) for row in rows[1:]] == [("F", "10 X"), ("C", "10 X")]


def test_a_digital_asset_has_boxes_of_its_own_from_2025_on() -> None:
    early = bought("old", "2024-03-01", 1)
    sales = [sold("s1", "2024-12-31", early, 1, (5, 6)), sold("s2", "2025-01-02", early, 1, (5, 6))]
    view = match_washes([early, *sales], WashTerms())
    rows = form_8949(view.sales, Reporting.BASIS_NOT_REPORTED, {"X"})
    assert [row.box for row in rows] == ["B", "H"]


def test_both_dates_of_a_short_sale_are_that_of_the_cover() -> None:
    short = bought("ss", "2024-05-01", 10)._replace(side=Side.SHORT)
    cover = sold("bc", "2024-05-10", short, 10, (500, 550))._replace(side=Side.SHORT)
    (row,) = form_8949(match_washes([short, cover], WashTerms()).sales)
    assert (row.date_acquired, row.date_sold) == (date(2024, 5, 10), date(2024, 5, 10))
    assert (row.box, row.gain_or_loss) == ("C", D(-50))


def test_a_lot_partly_used_as_replacement_is_listed_in_two_parts_that_sum_to_it() -> None:
    small = sold("s", "2024-06-03", OLD, 10, (250, 300))
    events = (OLD, small, NEW)
    held = (LotCost(OLD.lot, D(90), D(90), D(2700)), LotCost(NEW.lot, D(40), D(40), D(1000)))
    lots = tax_lots(match_washes(events, WashTerms()), History(events, held))
    assert [(lot.lot.lot_id, lot.quantity, lot.cost, lot.basis) for lot in lots] == [
        ("old", D(90), D(2700), D(2700)),
        ("new", D(10), D(250), D(300)),
        ("new", D(30), D(750), D(750)),
    ]
    # 10 January 2023 to 3 June 2024 are 510 days; 510 days before 10 June 2024 is 17 January 2023.
    assert lots[1].held_since == date(2023, 1, 17)
