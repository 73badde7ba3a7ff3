"""The pages as a browser would read them: structure, escaping, reasons, and the same bytes."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.edges.page_tree import parsed
from tidebook.web import (
    CurvePoint,
    DrawdownPoint,
    ErrorPage,
    FindingRow,
    HealthRow,
    IndexPage,
    IndexRow,
    PeriodRow,
    PortfolioPage,
    PositionRow,
    RestatementRow,
    WorstDrawdown,
    portfolio_path,
    render_error,
    render_index,
    render_portfolio,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NONCE = "c2l4dGVlbi1ieXRlcy1vaw=="
ASK = ("Doubtful.", "Look at it.")
HOSTILE = "</script><script>alert(1)</script>\"'&<img src=x onerror=alert(1)>"
LAST = date(2024, 2, 1)


def row(security_id: str, **changes: object) -> PositionRow:
    usual = PositionRow(
        security_id=security_id,
        name=f"{security_id} Corporation",
        currency="USD",
        quantity=Decimal(100),
        price=Decimal("12.5"),
        price_date=LAST,
        price_status="VALUED_CURRENT",
        market_value_local=Decimal(1250),
        market_value=Decimal(1250),
        cost=Decimal(1000),
        unrealised=Decimal(250),
        weight=Decimal("0.25"),
        asset_class="Equity",
    )
    return usual._replace(**changes)


def full_page() -> PortfolioPage:
    days = [date(2023, 12, 31) + timedelta(days=number) for number in range(33)]
    return PortfolioPage(
        portfolio_id="PF-1",
        name="Endowment",
        base_currency="USD",
        as_of=LAST,
        known_at=datetime(2024, 2, 2, 6, 0, tzinfo=UTC),
        generation=42,
        status="CURRENT",
        coverage=Decimal("0.995"),
        value=Decimal("5000.125"),
        cash=Decimal(2500),
        cost=Decimal(2000),
        unrealised=Decimal(500),
        realised=Decimal("-12.345"),
        income=Decimal(7),
        fees=Decimal(3),
        net_contributions=Decimal(4500),
        curve=[CurvePoint(day, Decimal(5000 - n), Decimal(4500)) for n, day in enumerate(days)],
        drawdown=[DrawdownPoint(day, -n / 100) for n, day in enumerate(days)],
        worst_drawdown=WorstDrawdown(-0.32, days[0], LAST, None),
        periods=[
            PeriodRow("1 year", date(2023, 2, 1), LAST, 0.05, 0.05, -0.01, None),
            PeriodRow("January", date(2024, 1, 1), LAST, 0.01, None, 0.01, None),
            PeriodRow(
                "2020", date(2020, 1, 1), date(2020, 12, 31), None, None, None, "No capital then."
            ),
        ],
        positions=[row("AAA"), row("BBB", market_value=Decimal(3250), unrealised=Decimal(-250))],
        findings=[FindingRow("price.missing", "No price.", "Send one.", "PF-1 / CCC")],
        health=[
            HealthRow("price.stale", "warning", "AAA", LAST, Decimal(1250), "market value", *ASK),
            HealthRow("rate.missing", "error", "X/Y", None, None, "No rate is known.", *ASK),
        ],
        restatements=[
            RestatementRow(datetime(2024, 2, 1, 9, tzinfo=UTC), "AAA", date(2023, 5, 1), "Late.")
        ],
        conventions=[("Returns", "Net of fees."), ("Flows", "Start of day.")],
    )


def bare_page(status: str = "EMPTY") -> PortfolioPage:
    return PortfolioPage(
        *("PF-2", "New mandate", "JPY", None, None, 0, status, None),
        *(None, None, None, None, None, None, None, None),
    )


def hostile_page() -> PortfolioPage:
    instant = datetime(2024, 2, 1, tzinfo=UTC)
    return replace(
        full_page(),
        portfolio_id=HOSTILE,
        name=HOSTILE,
        base_currency=HOSTILE,
        status=HOSTILE,
        value=None,
        reasons={"value": HOSTILE},
        periods=[PeriodRow(HOSTILE, LAST, LAST, None, None, None, HOSTILE)],
        positions=[
            row(HOSTILE, name=HOSTILE, currency=HOSTILE, price_status=HOSTILE, asset_class=HOSTILE),
            row("B", currency="EUR", asset_class="Bond"),
        ],
        findings=[FindingRow(HOSTILE, HOSTILE, HOSTILE, HOSTILE)],
        health=[
            HealthRow(HOSTILE, HOSTILE, HOSTILE, LAST, None, HOSTILE, HOSTILE, HOSTILE),
        ],
        restatements=[RestatementRow(instant, HOSTILE, LAST, HOSTILE)],
        conventions=[(HOSTILE, HOSTILE)],
    )


def index_page() -> IndexPage:
    return IndexPage(
        [
            IndexRow("PF-1", "Endowment", "USD", Decimal("5000.1"), LAST, "CURRENT"),
            IndexRow("a/b ?", HOSTILE, "JPY", None, None, "EMPTY"),
        ],
        "0.1.0",
        root_path="/book",
    )


EVERY_PAGE = {
    "full": render_portfolio(full_page(), nonce=NONCE),
    "one day": render_portfolio(
        replace(full_page(), curve=full_page().curve[:1], drawdown=full_page().drawdown[:1]),
        nonce=NONCE,
    ),
    "empty": render_portfolio(bare_page(), nonce=NONCE),
    "all missing": render_portfolio(
        replace(
            bare_page("REPROCESSING"),
            positions=[
                row(
                    "AAA",
                    **dict.fromkeys(
                        ("price", "price_date", "market_value", "market_value_local", "cost"), None
                    ),
                    unrealised=None,
                    weight=None,
                    asset_class=None,
                    price_status="UNVALUED",
                )
            ],
        ),
        nonce=NONCE,
    ),
    "hostile": render_portfolio(hostile_page(), nonce=NONCE),
    "index": render_index(index_page(), nonce=NONCE),
    "empty index": render_index(IndexPage([], "0.1.0"), nonce=NONCE),
    "error": render_error(ErrorPage(404, HOSTILE, HOSTILE, HOSTILE, HOSTILE), nonce=NONCE),
}
every_page = pytest.mark.parametrize("page", list(EVERY_PAGE.values()), ids=list(EVERY_PAGE))


@every_page
def test_page_is_well_formed_and_has_its_landmarks(page: str) -> None:
    root = parsed(page)
    assert page.startswith("<!doctype html>\n")
    assert [len(root.all(tag)) for tag in ("main", "header", "footer", "h1")] == [1] * 4
    assert len(root.all("head")[0].all("title")) == 1
    assert root.all("html", lang="en")
    assert root.all("a", href="#main")
    ids = [found.attributes["id"] for found in root.walk() if "id" in found.attributes]
    assert len(ids) == len(set(ids))


@every_page
def test_page_refers_only_to_what_it_has(page: str) -> None:
    root = parsed(page)
    ids = {found.attributes.get("id") for found in root.walk()}
    for found in root.walk():
        for name in ("aria-labelledby", "aria-describedby"):
            assert set(found.attributes.get(name, "").split()) <= ids
        target = found.attributes.get("href", "")
        assert not target.startswith("#") or target[1:] in ids


@every_page
def test_page_loads_nothing_and_keeps_its_policy(page: str) -> None:
    root = parsed(page)
    for found in root.walk():
        assert not any(name.startswith("on") for name in found.attributes)
        assert "style" not in found.attributes
        assert "src" not in found.attributes
        if found.tag == "link":
            assert found.attributes["href"].startswith("data:image/svg+xml,")
        if found.tag in {"style", "script"}:
            is_data = found.attributes.get("type") == "application/json"
            assert is_data or found.attributes["nonce"] == NONCE


@every_page
def test_tables_have_captions_and_every_heading_its_scope(page: str) -> None:
    root = parsed(page)
    assert all(table.all("caption") for table in root.all("table"))
    assert all(head.attributes.get("scope") in {"col", "row"} for head in root.all("th"))


@every_page
def test_headings_do_not_skip_a_level(page: str) -> None:
    levels = [int(f.tag[1]) for f in parsed(page).walk() if f.tag in {"h1", "h2", "h3", "h4"}]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


@every_page
def test_every_drawing_is_named_or_hidden(page: str) -> None:
    for drawing in parsed(page).all("svg"):
        inside = drawing.parent is not None and drawing.parent.tag == "svg"
        hidden = drawing.attributes.get("aria-hidden") == "true"
        assert inside or hidden or (drawing.all("title") and drawing.all("desc"))


def test_hostile_text_stays_text_everywhere() -> None:
    for name in ("hostile", "index", "error"):
        root = parsed(EVERY_PAGE[name])
        assert not root.all("img")
        assert "alert(1)" in root.text
        assert all("alert(1)" not in script.text for script in root.all("script"))
    assert parsed(EVERY_PAGE["hostile"]).all("h1")[0].text == HOSTILE


@pytest.mark.parametrize("make", [full_page, hostile_page, bare_page])
def test_same_values_make_the_same_bytes(make: Callable[[], PortfolioPage]) -> None:
    first = render_portfolio(make(), nonce=NONCE)
    assert render_portfolio(make(), nonce=NONCE) == first


def test_only_the_nonce_differs_between_two_responses() -> None:
    other = "b3RoZXItbm9uY2UtaGVyZQ=="
    first = render_portfolio(full_page(), nonce=NONCE)
    assert render_portfolio(full_page(), nonce=other) == first.replace(NONCE, other)


def test_what_the_figures_rest_on_is_told_at_the_top() -> None:
    [basis] = parsed(EVERY_PAGE["full"]).all("dl", class_="provenance")
    assert basis.text == (
        "As of 1 Feb 2024 Known at 2 Feb 2024, 06:00:00 UTC Generation 42 Value priced 99.50% "
        "Base currency USD"
    )


def test_amounts_are_rounded_at_the_edge_and_kept_exact_beside() -> None:
    root = parsed(EVERY_PAGE["full"])
    [value] = root.all("dl", class_="headline")
    assert value.text == "Value 5,000.12 USD"
    assert value.all("span", title="5000.125 USD")
    assert "Realised gain −12.34" in root.text
    assert "Unrealised gain +500.00" in root.text


def test_a_missing_figure_is_a_dash_that_leads_to_its_reason() -> None:
    root = parsed(EVERY_PAGE["full"])
    returns = {
        line.all("th")[0].text: line for line in root.all("table", class_="returns")[0].all("tr")
    }
    line = next(line for name, line in returns.items() if name.startswith("2020"))
    for missing in line.all("span", class_="missing"):
        [link] = missing.all("a")
        assert missing.attributes["title"] == "No capital then."
        assert missing.text.startswith("–")
        [note] = root.all("li", id=link.attributes["href"][1:])
        assert note.text == "No capital then."
    assert len(line.all("span", class_="missing")) == 3


def test_a_short_period_says_why_it_is_not_annualised() -> None:
    notes = parsed(EVERY_PAGE["full"]).all("section", class_="notes")[0].text
    assert "A period of less than one year is not annualised." in notes


def test_a_reason_that_is_given_is_the_one_that_is_told() -> None:
    page = replace(full_page(), value=None, reasons={"value": "EUR has no rate."})
    [missing] = (
        parsed(render_portfolio(page, nonce=NONCE))
        .all("dl", class_="headline")[0]
        .all("span", class_="missing")
    )
    assert missing.attributes["title"] == "EUR has no rate."


def test_nothing_is_printed_as_zero_when_nothing_is_known() -> None:
    [summary] = parsed(EVERY_PAGE["empty"]).all("dl", class_="summary")
    assert len(summary.all("span", class_="missing")) == 7
    assert "0" not in summary.text


def test_an_empty_portfolio_says_so_and_draws_nothing() -> None:
    root = parsed(EVERY_PAGE["empty"])
    assert "Nothing has been booked in this portfolio yet." in root.text
    assert not root.all("figure")
    assert not root.all("table")


def test_a_restatement_under_way_is_announced() -> None:
    [banner] = parsed(EVERY_PAGE["all missing"]).all("p", role="status")
    assert "one whole generation" in banner.text


def test_the_history_has_a_table_of_month_ends_newest_first() -> None:
    [twin] = parsed(EVERY_PAGE["full"]).all("details", class_="twin")
    lines = [
        [cell.text for cell in line.walk() if cell.tag in {"th", "td"}] for line in twin.all("tr")
    ]
    assert lines[1:] == [
        ["1 Feb 2024", "4,968.00", "4,500.00", "−32.00%"],
        ["31 Jan 2024", "4,969.00", "4,500.00", "−31.00%"],
        ["31 Dec 2023", "5,000.00", "4,500.00", "0.00%"],
    ]


def test_readings_travel_as_data() -> None:
    [data] = parsed(EVERY_PAGE["full"]).all("script", id="readings")
    readings = json.loads(data.text)
    assert readings["value"][0] == "5000.00"
    assert readings["offsets"][-1] == 32


def test_the_worst_drawdown_is_a_sentence() -> None:
    assert (
        "Worst drawdown −32.00% from 31 Dec 2023 to 1 Feb 2024, not recovered so far."
        in parsed(EVERY_PAGE["full"]).text
    )


def test_the_foot_of_the_holdings_leads_to_the_value() -> None:
    [foot] = parsed(EVERY_PAGE["full"]).all("tfoot")
    lines = [line.text for line in foot.all("tr")]
    assert lines == [
        "Holdings 4,500.00 50.00% 2,000.00 0.00",
        "Cash 2,500.00",
        "Portfolio 5,000.12",
    ]


def test_holdings_without_a_value_are_left_out_of_the_sum_and_counted() -> None:
    page = replace(full_page(), positions=[row("AAA"), row("BBB", market_value=None)])
    [foot] = parsed(render_portfolio(page, nonce=NONCE)).all("tfoot")
    assert "1 of 2 without a value left out" in foot.text
    assert "1,250.00" in foot.text


def test_an_older_price_is_flagged_with_its_day() -> None:
    page = replace(
        full_page(),
        positions=[row("AAA", price_status="VALUED_STALE", price_date=date(2024, 1, 3))],
    )
    [cell] = [
        cell
        for cell in parsed(render_portfolio(page, nonce=NONCE)).all("td")
        if cell.attributes.get("data-label") == "Price"
    ]
    assert cell.text == "12.50 USD 3 Jan 2024 older price"


def test_local_values_are_shown_only_beside_a_foreign_holding() -> None:
    heads = [head.text for head in parsed(EVERY_PAGE["full"]).all("th", role="columnheader")]
    assert "Local value" not in heads
    foreign = replace(full_page(), positions=[row("AAA", currency="CHF")])
    root = parsed(render_portfolio(foreign, nonce=NONCE))
    assert "Local value" in [head.text for head in root.all("th", role="columnheader")]
    assert "1,250.00 CHF" in root.text


def test_columns_sort_by_exact_values_and_missing_ones_are_blank() -> None:
    cells = parsed(EVERY_PAGE["all missing"]).all("tbody")[0].all("td")
    assert [cell.attributes["data-sort"] for cell in cells] == ["100", "", "", "", "", "", ""]


def test_findings_tell_what_to_do() -> None:
    [findings] = parsed(EVERY_PAGE["full"]).all("section", class_="findings")
    assert "No price. Remedy Send one. price.missing PF-1 / CCC" in findings.text


def test_many_findings_fold_after_the_first_three() -> None:
    many = [FindingRow("price.missing", f"Sentence {n}.", "Send one.", "") for n in range(5)]
    page = replace(full_page(), findings=many)
    [findings] = parsed(render_portfolio(page, nonce=NONCE)).all("section", class_="findings")
    [folded] = findings.all("details")
    assert [item.all("p")[0].text for item in folded.all("li")] == ["Sentence 3.", "Sentence 4."]
    assert folded.all("summary")[0].text == "2 more"
    assert len(findings.all("li")) == 5


def test_doubtful_data_tell_what_is_at_stake_or_why_that_is_unknown() -> None:
    page = render_portfolio(full_page(), nonce=NONCE)
    section = page.split('<h2 id="health">')[1].split("</section>")[0]
    assert "since 1 Feb 2024" in section
    assert "1,250.00" in section
    assert 'title="No rate is known."' in section
    assert '<a href="#health">' in page
    assert "Data to check" not in render_portfolio(bare_page(), nonce=NONCE)


def test_many_doubts_about_data_fold_after_the_first_three() -> None:
    many = [full_page().health[0]._replace(subject=f"S{number}") for number in range(5)]
    page = render_portfolio(replace(full_page(), health=many), nonce=NONCE)
    section = page.split('<h2 id="health">')[1].split("</section>")[0]
    assert "<summary>2 more</summary>" in section
    assert section.index("S2") < section.index("<details>") < section.index("S3")


def test_the_list_counts_doubts_and_says_where_nobody_looked() -> None:
    rows = index_page().portfolios
    counted = IndexPage([rows[0]._replace(health_count=3), rows[1]], "0.1.0")
    page = render_index(counted, nonce=NONCE)
    assert 'data-label="Data to check" data-sort="3"' in page
    assert "Not looked into here: too much for this page. Its own page does." in page


def test_time_travel_is_offered_only_where_the_address_takes_it() -> None:
    assert not parsed(EVERY_PAGE["full"]).all("form")
    offered = render_portfolio(replace(full_page(), offers_time_travel=True), nonce=NONCE)
    [form] = parsed(offered).all("form")
    assert [(f.attributes["name"], f.attributes.get("value")) for f in form.all("input")] == [
        ("as_of", "2024-02-01"),
        ("known_at", None),
    ]


def test_the_list_leads_to_every_portfolio() -> None:
    links = [
        link.attributes["href"]
        for link in parsed(EVERY_PAGE["index"]).all("tbody")[0].all("a")
        if "note" not in link.attributes.get("class", "")
    ]
    assert links == ["/book/view/PF-1", "/book/view/a%2Fb%20%3F"]
    assert portfolio_path("a/b ?", root_path="/book") == links[1]


def test_an_empty_book_says_how_to_begin() -> None:
    assert "POST /ingest/portfolios" in parsed(EVERY_PAGE["empty index"]).text


def test_an_error_tells_what_why_and_what_to_do() -> None:
    page = ErrorPage(404, "Not found", "portfolio 'X' is not in the book", "check the id", "r-17")
    root = parsed(render_error(page, nonce=NONCE))
    assert "404 Not found portfolio 'X' is not in the book What to do check the id" in root.text
    assert "Request r-17" in root.text
