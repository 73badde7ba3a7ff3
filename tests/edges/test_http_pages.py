"""The pages over HTTP: where they are, their policy, and refusals as pages."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
from starlette.testclient import TestClient

from tests.edges import sample_views
from tests.edges.memory_book import A_NONCE, AN_ID, Desk, StoppedClock
from tidebook.api import create_app
from tidebook.book.valuation import MarketValue
from tidebook.engine.views import ReportView, RestatementsPage, ResultsView
from tidebook.errors import StoreUnavailableError
from tidebook.model.instruments import Instrument
from tidebook.web import render_portfolio
from tidebook.web.assembly import portfolio_page

ON = sample_views.ON


def views() -> ReportView:
    results = ResultsView(Decimal(0), Decimal(0), Decimal(0))
    positions, series = sample_views.POSITIONS, sample_views.SERIES
    log = RestatementsPage(positions.portfolio, positions.freshness, 0, 0, 100, ())
    return ReportView(positions, results, series, (), log, sample_views.NOTHING_REALISED)


def test_the_root_leads_to_the_list() -> None:
    answer = Desk().client.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (307, "/ui/")


@pytest.mark.parametrize("path", ["/ui/", "/ui/portfolios/P-1", "/ui/view/P-1"])
def test_pages_carry_their_policy(path: str) -> None:
    answer = sample_views.desk().client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert f"'nonce-{A_NONCE}'" in answer.headers["Content-Security-Policy"]
    assert f'nonce="{A_NONCE}"' in answer.text
    assert "First" in answer.text


def test_the_list_links_to_a_page_that_is_there() -> None:
    client = sample_views.desk().client
    page = client.get("/ui/").text
    link = page.split('href="/ui/')[2].split('"')[0]
    assert client.get(f"/ui/{link}").status_code == 200


def test_an_unknown_portfolio_is_a_page() -> None:
    answer = Desk().client.get("/ui/portfolios/P-9")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "&#39;P-9&#39;" in answer.text
    assert f"QRY:{AN_ID}" in answer.text


def test_refusals_of_every_kind_are_pages_there() -> None:
    desk = sample_views.desk()
    assert desk.client.get("/ui/portfolios/P-1?as_off=1").status_code == 400
    assert desk.client.get("/ui/portfolios/P-1?as_of=x").status_code == 422
    assert desk.client.get("/ui/portfolios/P-1?as_of=x").text.startswith("<!doctype html>")
    desk.reader.fault = StoreUnavailableError("no connection", hint="start the database")
    answer = desk.client.get("/ui/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "start the database" in answer.text


def test_a_field_of_the_form_that_was_left_empty_asks_for_nothing() -> None:
    desk = sample_views.desk()
    assert desk.client.get("/ui/portfolios/P-1?as_of=2025-03-10&known_at=").status_code == 200
    assert desk.reader.asked[0] == (date(2025, 3, 10), None, False)


def test_a_page_says_what_is_wrong_with_its_address() -> None:
    answer = sample_views.desk().client.get("/ui/portfolios/P-1?known_at=2025-03-10T12:00")
    assert answer.status_code == 422
    assert "does not say in which time zone it is; send 2025-03-10T12:00Z" in answer.text


def test_the_list_is_one_question_and_says_when_it_is_cut() -> None:
    desk = Desk()
    for number in range(1001):
        one = sample_views.PORTFOLIO._replace(portfolio_id=f"P-{number:04}")
        desk.reader.kept[one.portfolio_id] = one
    text = desk.client.get("/ui/").text
    assert desk.reader.asked == [(1001, None, None)]
    assert text.count('<a href="/ui/view/') == 1000
    assert "These are the first 1000 by id." in text
    del desk.reader.kept["P-1000"]
    assert "by id" not in desk.client.get("/ui/").text


def test_without_pages_there_is_nothing_at_their_address() -> None:
    desk = Desk()
    app = create_app(desk.commands, desk.reader, clock=StoppedClock())
    answer = TestClient(app).get("/ui/")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_what_is_known_now_is_said_in_a_word() -> None:
    positions = sample_views.POSITIONS._replace(
        freshness=sample_views.POSITIONS.freshness._replace(known_at=None)
    )
    text = render_portfolio(portfolio_page(views()._replace(positions=positions)), nonce=A_NONCE)
    assert re.search(r"<dt>Known at</dt><dd>\s*<span[^>]*><span[^>]*>now</span>", text)
    assert "known at now." in text


def test_cost_gain_and_cash_make_up_the_value() -> None:
    page = portfolio_page(views())
    assert (page.value, page.cash, page.cost, page.unrealised) == (
        Decimal(10006),
        Decimal(8996),
        Decimal(1004),
        Decimal(6),
    )
    assert [row.security_id for row in page.positions] == ["S-1"]
    # 1,010 of 10,006, half even to 18 places
    assert page.positions[0].weight == Decimal("0.100939436338197082")


def test_a_contract_on_margin_adds_its_gain_and_nothing_else() -> None:
    # 2 at 50 a point, opened at 4,000 and worth 3,990: nothing was paid, and 1,000 is lost.
    value = MarketValue(*map(Decimal, (399_000, 399_000, -1_000, -1_000)), on_margin=True)
    contract = sample_views.SHARES._replace(
        security_id="FUT",
        instrument=Instrument("FUT", "Future", "USD", "Future", multiplier=Decimal(50)),
        quantity=Decimal(2),
        cost_local=Decimal(400_000),
        cost_base=Decimal(400_000),
        valuation=sample_views.VALUED._replace(value=value),
    )
    positions = sample_views.POSITIONS._replace(
        positions=(contract, sample_views.MONEY), market_value_base=Decimal(7_996)
    )
    page = portfolio_page(views()._replace(positions=positions))
    [row] = page.positions
    assert (row.market_value, row.cost, row.unrealised) == (-1_000, 0, -1_000)
    # With 8,996 in cash that makes the 7,996 of the whole.
    assert (page.cash, page.value) == (8_996, 7_996)
    # 1,000 of 7,996, half even to 18 places
    assert row.weight == Decimal("-0.125062531265632816")


def test_history_runs_to_the_day_of_the_positions() -> None:
    page = portfolio_page(views())
    assert [(point.day, point.value, point.contributed) for point in page.curve] == [
        (ON, Decimal(10200), Decimal(10000))
    ]
    assert page.net_contributions == Decimal(10000)
    assert [row.name for row in page.periods] == [
        "Month to date",
        "Quarter to date",
        "Year to date",
        "Since inception",
    ]
    assert page.periods[0].twr == pytest.approx(0.02)
    assert page.periods[0].twr_annualised is None


def test_what_cannot_be_valued_has_a_reason() -> None:
    unvalued = sample_views.SHARES._replace(valuation=sample_views.UNVALUED)
    positions = sample_views.POSITIONS._replace(positions=(unvalued, sample_views.MONEY))
    page = portfolio_page(views()._replace(positions=positions))
    assert page.unrealised is None
    assert page.reasons["unrealised"] == "1 of 1 holdings cannot be valued."
    assert page.positions[0].weight is None


def test_income_is_what_the_book_says_it_earned() -> None:
    results = ResultsView(Decimal(1), Decimal("88.05"), Decimal(2))
    assert portfolio_page(views()._replace(results=results)).income == Decimal("88.05")


def test_gains_by_year_and_term_are_a_section_of_the_page() -> None:
    page = portfolio_page(views()._replace(realised=sample_views.REALISED))
    assert [(row.name, row.long_term, row.short_term, row.gain) for row in page.gains] == [
        ("2025", None, Decimal(48), Decimal(48)),
        ("2026", Decimal(-2), None, Decimal(-2)),
    ]
    assert page.gains_total is not None
    assert (page.gains_total.gain, page.gains_total.tax) == (Decimal(46), None)
    text = render_portfolio(page, nonce=A_NONCE)
    assert '<h2 id="gains">Realised gains</h2>' in text
    # From the worst year, -2, to the best, 48: the zero line stands at 2 of 50.
    assert '<rect class="shade-4" x="4%" width="96%" height="100%">' in text
    assert '<rect class="shade-0" x="0%" width="4%" height="100%">' in text
    assert text.count('x1="4%" x2="4%" y1="0%" y2="100%"') == 2
    assert "short term +48.00 USD" in text
    assert "the portfolio states no tax rates" in text


def test_a_page_without_gains_has_no_section_for_them() -> None:
    text = render_portfolio(portfolio_page(views()), nonce=A_NONCE)
    assert "Realised gains" not in text
    assert 'href="#gains"' not in text


def test_gains_that_cancel_out_need_no_bar() -> None:
    nothing = sample_views.SALE.entry._replace(
        realised_local=Decimal(0), realised_base=Decimal(0), realised_price=Decimal(0)
    )
    sold = sample_views.SALE._replace(entry=nothing)
    page = portfolio_page(
        views()._replace(realised=sample_views.REALISED._replace(entries=(sold,)))
    )
    text = render_portfolio(page, nonce=A_NONCE)
    assert '<h2 id="gains">' in text
    assert 'class="bar gain"' not in text


def test_a_fall_is_drawn_from_the_first_day() -> None:
    days = (
        sample_views.DAYS[0]._replace(eod_market_value=Decimal(9000)),
        sample_views.DAYS[1]._replace(eod_market_value=Decimal(9900)),
    )
    positions = sample_views.POSITIONS._replace(
        freshness=sample_views.POSITIONS.freshness._replace(as_of=date(2025, 3, 11))
    )
    page = portfolio_page(
        views()._replace(positions=positions, series=sample_views.SERIES._replace(days=days))
    )
    assert [point.fraction for point in page.drawdown] == pytest.approx([-0.1, -0.01])
    assert page.worst_drawdown is not None
    assert page.worst_drawdown.fraction == pytest.approx(0.1)
    assert (page.worst_drawdown.trough, page.worst_drawdown.recovered) == (ON, None)
