"""What the reading commands print, for a portfolio worked by hand (see ``worked_book``)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.edges import sample_views
from tests.unit.cli.memory_book import NOW, Openings, worked_book
from tests.unit.cli.terminal import terminal
from tidebook.engine.views import ActionView

LOT_FIELDS = (
    "security_id,lot_id,opened_on,quantity,cost_local,cost_base,unit_cost_local,unit_cost_base,"
    "currency,days_held,term,long_term_from,market_value_local,market_value_base,"
    "unrealised_local,unrealised_base,reason"
)
MATCHED = (
    "    └── 176 EUR  2 of 10 matched by SELL T4 of 2024-01-05 (FIFO, the oldest first)  [share]"
    "  (transaction T4 version 1)"
)


@pytest.fixture
def store() -> Openings:
    return Openings(worked_book())


def test_positions_as_a_table_have_totals_and_say_what_they_rest_on(store: Openings) -> None:
    # ACME: 8 x 140 x 0.95 = 1064, cost 704. Dollars: -587 x 0.95 = -557.65; they cost
    # -880 x 587/1100 = -469.60. Realised: 44.50 + 269.30, and on the dollars 23.90 - 103.30.
    # Altogether 5506.35 = 5000 + 234.40 + 271.95.
    result = terminal(store, "positions", "P1", "-o", "table")
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines == [
        "positions of portfolio P1 (Worked case)",
        "security name quantity price price of cost EUR value EUR unrealised EUR realised EUR",
        "ACME Acme Corp. 8 140 USD 2024-01-05 704.00 1,064.00 360.00 313.80",
        "CASH_EUR Cash EUR 5000 1 EUR 2024-01-05 5,000.00 5,000.00 0.00 0.00",
        "CASH_USD Cash USD -587 1 USD 2024-01-05 -469.60 -557.65 -88.05 -79.40",
        "portfolio 5,234.40 5,506.35 271.95 234.40",
        "as of 2024-01-05, known at now, generation 5, current, coverage 1",
    ]


def test_what_closed_positions_realised_counts_whether_they_are_listed_or_not(
    store: Openings,
) -> None:
    # Selling the last 8 at 130 realises 8 x 130 x 0.95 - 704 = 284; 313.80 + 284 = 597.80. The
    # dollars are then 453: 1040 arrive, 587 of them close the overdraft that stood at 469.60 for
    # 587 x 0.95 = 557.65, a loss of 88.05 on top of 79.40.
    sale = store.book.facts["T4"][1]
    store.book.ingest_transactions([sale._replace(transaction_id="T5")], "test")
    some = json.loads(terminal(store, "positions", "P1").stdout)
    every = json.loads(terminal(store, "positions", "P1", "--closed").stdout)
    assert [row["security_id"] for row in some["positions"]] == ["CASH_EUR", "CASH_USD"]
    assert [row["security_id"] for row in every["positions"]] == ["ACME", "CASH_EUR", "CASH_USD"]
    assert some["totals"]["realised_base"] == "430.35"
    assert every["totals"]["realised_base"] == "430.35"


def test_numbers_of_a_table_stand_under_each_other_at_the_right(store: Openings) -> None:
    lines = terminal(store, "positions", "P1", "-o", "table").stdout.splitlines()
    value_end = lines[2].index("1,064.00") + len("1,064.00")
    assert lines[4][:value_end].endswith("-557.65")
    assert lines[5][:value_end].endswith("5,506.35")


def test_json_keeps_every_digit_as_text_and_carries_the_totals(store: Openings) -> None:
    document = json.loads(terminal(store, "positions", "P1", "--security", "ACME").stdout)
    assert [row["security_id"] for row in document["positions"]] == ["ACME"]
    assert document["positions"][0]["cost_base"] == "704"
    assert document["totals"] == {
        "market_value_base": "5506.35",
        "cost_base": "5234.4",
        "unrealised_base": "271.95",
        "realised_base": "234.4",
    }
    assert document["freshness"]["generation"] == 5
    assert document["freshness"]["coverage"] == "1"


def test_an_earlier_day_is_asked_of_the_reader(store: Openings) -> None:
    # On the third: 20 shares at 110 are 2200 USD, at 0.80 that is 1760 EUR.
    document = json.loads(terminal(store, "positions", "P1", "--as-of", "2024-01-03").stdout)
    assert document["freshness"]["as_of"] == "2024-01-03"
    assert document["positions"][0]["market_value_base"] == "1760"


def test_csv_has_one_header_and_sends_notes_to_standard_error(store: Openings) -> None:
    result = terminal(store, "lots", "P1", "-o", "csv", "--security", "ACME")
    assert result.stdout.splitlines() == [
        LOT_FIELDS,
        # 8 at 140 are worth 1120 USD, at 0.95 that is 1064 EUR.
        "ACME,T2,2024-01-03,8,880,704,110,88,USD,2,SHORT,2025-01-04,1120,1064,240,360,",
    ]
    assert "generation 5" in result.stderr


def test_gains_are_listed_by_lot_with_their_sums_below(store: Openings) -> None:
    # T3 sells 4 of T1: 478 x 0.85 = 406.30 for 402 x 0.90 = 361.80. T4 sells 6 of T1 and 2 of T2
    # for 1040 x 0.95 = 988: 741 for 542.70, and 247 for 176. The dollars lose 79.40.
    result = terminal(store, "gains", "P1", "-o", "table")
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[0] == "realised gains of portfolio P1 (Worked case)"
    assert lines[2] == (
        "2024-01-04 ACME T1 DISPOSAL 2024-01-02 2 SHORT 4 406.30 361.80 44.50 -20.10 –"
    )
    assert "2024-01-05 ACME T2 DISPOSAL 2024-01-03 2 SHORT 2 247.00 176.00 71.00 33.00 –" in lines
    assert lines[-5] == "total 2,709.20 2,474.80 234.40 -36.35 –"
    assert lines[-4:] == [
        "short term 234.40",
        "2024 234.40",
        "no tax is told: the portfolio states no tax rates",
        "as of 2024-01-05, known at now, generation 5, current",
    ]


def test_gains_of_one_security_and_one_year(store: Openings) -> None:
    document = json.loads(
        terminal(store, "gains", "P1", "--security", "ACME", "--year", "2024").stdout
    )
    assert document["totals"]["gain_base"] == "313.8"
    assert [one["gain_base"] for one in document["gains"]] == ["44.5", "198.3", "71"]
    assert document["by_term"][0]["term"] == "SHORT"
    assert document["tax_reason"] == "the portfolio states no tax rates"
    other = json.loads(terminal(store, "gains", "P1", "--year", "2023").stdout)
    assert (other["gains"], other["totals"]["gain_base"]) == ([], "0")
    until = json.loads(terminal(store, "gains", "P1", "--to", "2024-01-04").stdout)
    assert until["totals"]["gain_base"] == "68.4"
    since = json.loads(terminal(store, "gains", "P1", "--from", "2024-01-05").stdout)
    assert since["totals"]["gain_base"] == "166"


def test_gains_as_csv_are_a_line_for_each_lot(store: Openings) -> None:
    result = terminal(store, "gains", "P1", "-o", "csv", "--security", "ACME", "--to", "2024-01-04")
    assert result.stdout.splitlines()[1:] == [
        (
            "ACME,T1,DISPOSAL,LONG,2024-01-02,2024-01-04,T3,SELL,4,USD,"
            "478,406.3,402,361.8,76,44.5,64.6,-20.1,2,SHORT,,"
        ),
    ]
    assert "2024 44.50" in result.stderr


def test_a_year_and_days_cannot_both_be_asked_for(store: Openings) -> None:
    result = terminal(store, "gains", "P1", "--year", "2024", "--to", "2024-01-04")
    assert result.exit_code == 2
    assert "a year has its own first and last day" in result.stderr


def test_transactions_are_listed_latest_first_with_their_gain(store: Openings) -> None:
    document = json.loads(terminal(store, "transactions", "P1", "--limit", "2").stdout)
    assert document["total"] == 5
    assert [(row["transaction_id"], row["realised_base"]) for row in document["transactions"]] == [
        ("T4", "269.3"),
        ("T3", "44.5"),
    ]


def test_performance_over_all_and_over_stated_days(store: Openings) -> None:
    # 5000 EUR became 5506.35: 10.127 %. From the close of the second, 4995.50, it is 510.85 more.
    document = json.loads(
        terminal(
            store, "performance", "P1", "--period", "si", "--period", "2024-01-03:2024-01-05"
        ).stdout
    )
    whole, part = document["periods"]
    assert (whole["period"], whole["start_date"]) == ("SI", "2024-01-02")
    assert whole["twr_net"] == pytest.approx(506.35 / 5000, rel=1e-12)
    assert whole["mwr_period"] == pytest.approx(506.35 / 5000, rel=1e-9)
    assert whole["net_flows"] == "5000"
    assert part["begin_market_value"] == "4995.5"
    assert part["twr_net"] == pytest.approx(510.85 / 4995.50, rel=1e-12)
    assert part["mwr_annualised"] is None
    assert part["reason"]


def test_risk_is_that_of_the_same_returns(store: Openings) -> None:
    # 5000 EUR became 5506.35.
    arguments = ["risk", "P1", "--period", "SI", "--metric", "cumulative_return"]
    document = json.loads(terminal(store, *arguments, "--metric", "BETA").stdout)
    (period,) = document["periods"]
    assert period["measures"]["cumulative_return"] == pytest.approx(506.35 / 5000, rel=1e-12)
    assert period["measures"]["beta"] is None
    assert "benchmark" in period["reasons"]["beta"]
    assert document["periods_per_year"] == 252
    table = terminal(store, *arguments, "-o", "table").stdout
    assert "0.10127" in table


def test_findings_of_an_oversold_position_say_what_to_do(store: Openings) -> None:
    sale = store.book.facts["T4"][1]
    more = sale._replace(transaction_id="T5", quantity=sale.quantity * 2, gross=sale.gross * 2)
    store.book.ingest_transactions([more], "test")
    result = terminal(store, "findings", "P1", "-o", "table")
    assert "position.oversold" in result.stdout
    assert "1 waiting, 0 warnings" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["positions", "NOPE"], 4, "tidebook: portfolio.unknown: portfolio 'NOPE' is not in"),
        (["findings", "NOPE"], 4, "  hint: check the id"),
        (["performance", "P1", "--period", "3W"], 3, "tidebook: input.period: period 3W"),
        (["performance", "P1", "--period", "a:b"], 3, "is not two days"),
        (["risk", "P1", "--metric", "luck"], 3, "tidebook: analytics.measure: there is no"),
        (["risk", "P1", "--frequency", "HOURLY"], 2, "HOURLY is none of"),
        (["positions", "P1", "--as-of", "5.1.24"], 2, "is no day"),
        (["positions", "P1", "--known-at", "2024-01-05T10:00"], 2, "is no instant"),
        (
            ["positions", "P1", "--url", "http://127.0.0.1:1"],
            2,
            "only import, cancel and reprocess can be told",
        ),
        (["frob"], 2, "No such command 'frob'"),
        (["explain", "cost", "P1", "ZZZ"], 4, "never held 'ZZZ'"),
        (["explain", "quantity", "P1"], 3, "position.quantity needs portfolio_id and security_id"),
        (["explain", "alpha", "P1"], 3, "ask for one of portfolio.value, portfolio.cost"),
        (["explain", "lot.cost", "P1", "ACME"], 3, "needs lot_id"),
        (["explain", "cost", "P1", "ACME", "--lot", "T9"], 4, "does not have the open lot 'T9'"),
        (["explain", "period.twr", "P1", "--period", "SOON"], 3, "period SOON"),
        (["explain", "market.rate", "--pair", "USD", "--day", "2024-01-02"], 2, "no pair"),
    ],
)
def test_refusals_go_to_standard_error_with_their_exit_code(
    store: Openings, arguments: list[str], code: int, words: str
) -> None:
    result = terminal(store, *arguments)
    assert result.exit_code == code
    assert result.stdout == ""
    assert words in result.stderr


def test_a_trace_is_shown_only_when_asked_for_twice(store: Openings) -> None:
    assert "Traceback" not in terminal(store, "positions", "NOPE", "-v").stderr
    assert "Traceback" in terminal(store, "positions", "NOPE", "-vv").stderr


def test_shared_options_may_stand_before_or_after_the_command(store: Openings) -> None:
    before = terminal(store, "-o", "csv", "--data", "books", "lots", "P1")
    after = terminal(store, "lots", "P1", "--output=csv", "--data=books")
    assert before.stdout == after.stdout
    assert [settings.data_dir for settings, _ in store.seen] == [Path("books")] * 2
    assert [run for _, run in store.seen] == [False, False]


def test_explain_draws_the_tree_down_to_the_transactions(store: Openings) -> None:
    result = terminal(store, "explain", "cost", "P1", "ACME", "-o", "table")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "704 EUR  cost of ACME  [Σ]",
        "└── 704 EUR  lot T2 of 2024-01-03: 8 held  [−]",
        "    ├── 880 EUR  10 opened by BUY T2 of 2024-01-03  [Σ]",
        "    │   └── 880 EUR  gross amount in EUR  [× rate]",
        "    │       ├── 1100 USD  gross amount  (transaction T2 version 1)",
        "    │       └── 0.8  rate USD/EUR  (rate USD/EUR of 2024-01-03 version 1)",
        MATCHED,
        "        ├── 880 EUR  cost of lot T2 of 2024-01-03 before",
        "        ├── 2 ACME  matched",
        "        └── 10 ACME  held in the lot before",
        "as of 2024-01-05, known at now, generation 5, current",
        "computed again from its leaves: the same to the digit",
    ]


@pytest.mark.parametrize(
    ("figure", "security", "value"),
    [
        ("quantity", "ACME", "8"),
        ("quantity", "CASH_USD", "-587"),
        ("cost", None, "5234.4"),
        ("value", None, "5506.35"),
        ("value", "ACME", "1064"),
        ("unrealised", None, "271.95"),
        ("unrealised", "CASH_USD", "-88.05"),
        ("realised", None, "234.4"),
        ("realised", "CASH_USD", "-79.4"),
    ],
)
def test_every_figure_of_the_positions_is_computed_again_from_its_leaves(
    store: Openings, figure: str, security: str | None, value: str
) -> None:
    arguments = ["explain", figure, "P1", *([security] if security else [])]
    result = terminal(store, *arguments)
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert document["agrees"] is True
    assert document["tree"]["value"] == value


@pytest.mark.parametrize(
    ("words", "figure", "value"),
    [
        ("cost P1 ACME --lot T2", "lot.cost", "704"),
        ("unit_cost_local P1 ACME --lot T2", "lot.unit_cost_local", "110"),
        ("fee P1 --transaction T1", "transaction.fee", "5"),
        ("realised P1 --transaction T3", "entry.realised", "44.5"),
        ("realised_price P1 --transaction T3", "entry.realised_price", "64.6"),
        ("quantity P1 --transaction T3 --leg cash", "entry.quantity", "478"),
        ("entry.matched_cost P1 --transaction T4 --lot T1", "entry.matched_cost", "542.7"),
        ("position.cost P1 ACME --transaction T3", "position.cost", "1422.7"),
        ("proceeds P1 --transaction T4 --lot T2", "gain.proceeds", "247"),
        ("gains.realised P1 ACME --term short --period 2024", "gains.realised", "313.8"),
        ("bod_cashflow P1 --day 2024-01-02", "day.bod_cashflow", "5000"),
        ("eod_market_value P1 --day 2024-01-02", "day.eod_market_value", "4995.5"),
        ("contributions P1 --period SI", "period.contributions", "5000"),
        ("cashflow_count P1 --period 2024", "period.cashflow_count", "1"),
        ("twr P1 --period 2024-01-03:2024-01-03 --gross", "period.twr", "1.6114503053"),
        ("market.price --security ACME --day 2024-01-05", "market.price", "140"),
        ("market.rate --pair USD/EUR --day 2024-01-04", "market.rate", "0.85"),
    ],
)
def test_every_kind_of_figure_is_explained(
    store: Openings, words: str, figure: str, value: str
) -> None:
    # T1 cost 1005 USD x 0.9 = 904.50 EUR, T3 sold 4 of its 10 for 478 USD x 0.85 = 406.30 EUR.
    # On 2 January 5000 EUR are 5000 - 904.50 + 1000 x 0.9 = 4995.50. On the third 10 more cost
    # 1100 USD: 5000 + (20 x 110 - 2105) x 0.8 = 5076, and 80.50 on 4995.50 are 1.6114503053 %.
    document = json.loads(terminal(store, "explain", *words.split()).stdout)
    assert (document["figure"], document["value"]) == (figure, value)
    assert document["agrees"] is True


def test_a_figure_that_does_not_follow_from_its_facts_ends_with_code_8(store: Openings) -> None:
    honest = store.book.positions

    def tampered(portfolio_id: str, **options: object) -> object:
        view = honest(portfolio_id, **options)  # pyright: ignore[reportArgumentType]
        first = view.positions[0]._replace(cost_base=view.positions[0].cost_base + 1)
        return view._replace(positions=(first, *view.positions[1:]))

    store.book.positions = tampered  # pyright: ignore[reportAttributeAccessIssue]
    result = terminal(store, "explain", "cost", "P1", "ACME", "-o", "table")
    assert result.exit_code == 8
    assert "does not follow from what is below it: cost of ACME" in result.stderr


def test_depth_cuts_the_tree(store: Openings) -> None:
    result = terminal(store, "explain", "cost", "P1", "ACME", "-o", "table", "--depth", "1")
    assert "lot T2" in result.stdout
    assert "BUY T2" not in result.stdout


def test_corporate_actions_are_listed_and_shown_with_what_they_did(store: Openings) -> None:
    store.book.kept_actions = [ActionView(sample_views.SPLIT, 2, NOW, "CANCELLED")]
    listed = json.loads(terminal(store, "actions", "--security", "S-1").stdout)["actions"]
    assert [(row["action_id"], row["version"], row["status"]) for row in listed] == [
        ("A-1", 2, "CANCELLED")
    ]
    before = terminal(store, "actions", "--as-of", "2025-03-09")
    assert json.loads(before.stdout)["actions"] == []
    store.book.kept_applied = [sample_views.APPLIED]
    shown = json.loads(terminal(store, "actions", "P1", "--as-of", "2025-04-01").stdout)
    (row,) = shown["actions"]
    assert (row["transaction_id"], row["quantity"], row["realised_base"]) == ("A-1@P-1", "10", "4")
    assert shown["totals"] == {"realised_base": "4"}
    assert terminal(store, "actions", "P9").exit_code == 4


def test_a_rolling_metric_has_a_row_a_window(store: Openings) -> None:
    arguments = ["risk", "P1", "--period", "SI", "--metric", "mean_return", "--window", "2"]
    plain = json.loads(terminal(store, *arguments[:-2]).stdout)
    rows = json.loads(terminal(store, *arguments).stdout)["rolling"]
    assert len(rows) == plain["periods"][0]["n"] - 1
    assert {"period", "date", "mean_return"} == set(rows[0])
    refused = terminal(store, "risk", "P1", "--window", "2")
    assert refused.exit_code == 2
    assert "name --metric" in refused.stderr


def test_intervals_hold_their_figure_and_state_their_seed(store: Openings) -> None:
    arguments = ["risk", "P1", "--period", "SI", "--metric", "best_return", "--draws", "200"]
    found = json.loads(terminal(store, *arguments, "--seed", "5").stdout)["bootstrap"]
    assert (found["seed"], found["draws"], found["confidence"]) == (5, 200, 0.95)
    # No drawn history has a return better than the best there is.
    row = found["intervals"][0]
    assert row["SI low"] <= row["SI high"] <= row["SI"]
