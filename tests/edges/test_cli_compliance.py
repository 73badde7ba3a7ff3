"""``tidebook compliance``: what is listed, judged now, and asked before an order is sent.

u1 buys 100 ACME at 50 on 2 January 2024 and sells them at 40 on 10 January: a loss of 1,000, whose
window is open to 9 February.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.unit.cli.memory_book import MemoryBook, Openings
from tests.unit.cli.terminal import terminal
from tidebook.compliance.policies import AccountPolicy
from tidebook.compliance.trades import DayTraderTerms, Restriction
from tidebook.engine.user_trades import UserTrade, UserTrades
from tidebook.engine.users import UserPolicy
from tidebook.model.facts import TransactionType

if TYPE_CHECKING:
    from pathlib import Path

D = Decimal
SOON = ("--at", "2024-01-20T15:30:00Z")


@pytest.fixture(name="store")
def traded() -> Openings:
    book = MemoryBook()
    trades = UserTrades(book, book, UserPolicy(), lambda: "never asked")
    done = ((2, TransactionType.BUY, 100, 50), (10, TransactionType.SELL, 100, 40))
    for day, side, quantity, price in done:
        at = datetime(2024, 1, day, 15, 30, tzinfo=UTC)
        gross = D(quantity * price)
        trade = UserTrade("u1", "ACME", side, D(quantity), D(price), gross, at, f"{day}")
        trades.take(trade, "test")
    return Openings(book)


def test_what_needs_attention_is_listed_with_the_totals(store: Openings) -> None:
    result = terminal(store, "compliance", "list", "u1", "-o", "table")
    assert result.exit_code == 0, result.stderr
    assert "position_size_limit" in result.stdout
    assert "pattern_day_trading" not in result.stdout
    assert "18 checks of 2 trades: 16 passed, 1 flagged, 0 failed, 1 not decided" in result.stdout
    assert "not legal or tax advice" in result.stdout


def test_every_check_is_in_the_json_whatever_needs_attention(store: Openings) -> None:
    audits = json.loads(terminal(store, "compliance", "list", "u1").stdout)["audits"]
    # Nine rules apply to each of the two trades.
    assert len(audits) == 18


def test_everything_is_judged_now(store: Openings) -> None:
    result = terminal(store, "compliance", "check", "u1")
    assert result.exit_code == 0, result.stderr
    verdicts = json.loads(result.stdout)["verdicts"]
    assert [(each["check_name"], each["status"]) for each in verdicts] == [
        ("position_size_limit", "flag"),
        ("wash_sale", "provisional"),
    ]


def test_an_order_is_judged_before_it_is_sent(store: Openings) -> None:
    asked = ("--what-if", "buy 60 ACME at 41", *SOON)
    result = terminal(store, "compliance", "check", "u1", *asked)
    assert result.exit_code == 0, result.stderr
    (order,) = json.loads(result.stdout)["orders"]
    assert order["wash"]["disallowed"] == "600"
    assert order["earliest_clean_date"] == "2024-02-10"
    told = terminal(store, "compliance", "check", "u1", *asked, "-o", "table")
    assert "600 of a loss would wait, from 2024-02-10 on none" in told.stdout


def test_an_order_that_fails_ends_with_eight(store: Openings) -> None:
    at = datetime(2024, 1, 20, tzinfo=UTC)
    restricted = AccountPolicy(restricted=(Restriction("ACME", "blackout"),))
    store.compliance.save_policy("user:u1", restricted, at)
    result = terminal(store, "compliance", "check", "u1", "--what-if", "buy 5 ACME at 41", *SOON)
    assert result.exit_code == 8
    assert json.loads(result.stdout)["allowed"] is False


def test_an_order_that_is_open_counts(store: Openings) -> None:
    asked = ("--what-if", "buy 10 ACME at 41", "--open", "sell 10 ACME at 45", *SOON)
    result = terminal(store, "compliance", "check", "u1", *asked)
    assert json.loads(result.stdout)["orders"][0]["potential_day_trades"] == 1
    refused = terminal(store, "compliance", "check", "u1", *asked[:2], "--open", "sell ACME")
    assert refused.exit_code == 2


def test_what_binds_the_accounts_is_shown(store: Openings) -> None:
    at = datetime(2024, 1, 20, tzinfo=UTC)
    terms = DayTraderTerms(designated_on=date(2024, 1, 5))
    store.compliance.save_policy("user:u1", AccountPolicy(day_trader=terms), at)
    result = terminal(store, "compliance", "accounts", "u1", "--as-of", "2024-01-09", "-o", "table")
    assert result.exit_code == 0, result.stderr
    assert "pattern day trader since 2024-01-05" in result.stdout
    # 5,000 of ACME are all that the book knows of.
    assert "ACME" in result.stdout
    asked = terminal(store, "compliance", "accounts", "u1", "--as-of", "2024-01-10")
    (account,) = json.loads(asked.stdout)["accounts"]
    assert account["pattern_day_trader"] == {"designated_on": "2024-01-05", "day_trades": []}
    assert account["positions"] == []


def test_a_policy_is_stated_from_a_file_and_shown(store: Openings, tmp_path: Path) -> None:
    empty = terminal(store, "compliance", "policy", "user:u1")
    assert json.loads(empty.stdout)["is_stated"] is False
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({"account_type": "cash", "effective_from": "2024-01-05"}))
    stated = terminal(store, "compliance", "policy", "user:u1", "--set", str(file))
    assert stated.exit_code == 0, stated.stderr
    shown = terminal(store, "compliance", "policy", "user:u1")
    assert json.loads(shown.stdout)["policy"]["account_type"] == "cash"
    table = terminal(store, "compliance", "policy", "user:u1", "-o", "table")
    assert "effective_from" in table.stdout
    assert "2024-01-05" in table.stdout


def test_a_policy_with_a_fault_is_refused(store: Openings, tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({"params": {"position_size_limit.limit": "5"}}))
    refused = terminal(store, "compliance", "policy", "user:u1", "--set", str(file))
    assert refused.exit_code == 3
    assert "no rule has this parameter" in refused.stderr
    missing = terminal(store, "compliance", "policy", "user:u1", "--set", str(tmp_path / "none"))
    assert missing.exit_code == 2


def test_a_verdict_is_acknowledged_with_a_reason(store: Openings) -> None:
    listed = terminal(store, "compliance", "list", "u1", "--all")
    audits = json.loads(listed.stdout)["audits"]
    sale = next(each for each in audits if each["check_name"] == "wash_sale")
    asked = ("acknowledge", "u1", sale["trade_id"], "wash_sale", "--actor", "ann")
    result = terminal(store, "compliance", *asked, "--reason", "nothing is planned")
    assert result.exit_code == 0, result.stderr
    kept = json.loads(result.stdout)
    assert (kept["rule_id"], kept["reason"]) == ("wash_sale_us", "nothing is planned")
    seen = json.loads(terminal(store, "compliance", "acknowledgements", "u1").stdout)
    assert [(one["actor"], one["trade_id"]) for one in seen["acknowledgements"]] == [
        ("ann", sale["trade_id"])
    ]
    assert terminal(store, "compliance", *asked, "--reason", " ").exit_code == 2
    unknown = ("acknowledge", "u1", "none", "wash_sale", "--actor", "ann", "--reason", "x")
    assert terminal(store, "compliance", *unknown).exit_code == 4


@pytest.mark.parametrize("words", ["buy ACME", "hold 5 ACME", "buy x ACME", "buy 5 ACME for 3"])
def test_what_is_no_order_is_refused(store: Openings, words: str) -> None:
    assert terminal(store, "compliance", "check", "u1", "--what-if", words).exit_code == 2


def test_rules_are_listed_with_those_in_force(store: Openings) -> None:
    result = terminal(store, "compliance", "rules", "--as-of", "2026-06-03", "-o", "csv")
    rows = {tuple(line.split(",")[:4]) for line in result.stdout.splitlines()}
    assert ("intraday_margin", "2026-06-04", "US", "no") in rows
    assert ("pattern_day_trading", "2021-03-24", "US", "yes") in rows


def test_nobody_is_not_found(store: Openings) -> None:
    assert terminal(store, "compliance", "list", "nobody").exit_code == 4


def test_what_losses_come_to_for_tax_is_shown(store: Openings) -> None:
    rows = terminal(store, "tax", "form-8949", "u1", "--year", "2024", "-o", "csv")
    # 100 bought at 50 on 2 January and sold at 40 on the 10th, in cents.
    assert rows.stdout.splitlines()[1] == (
        "C,100 ACME,2024-01-02,2024-01-10,4000.00,5000.00,,0.00,-1000.00,USD,"
        "This is not legal or tax advice."
    )
    table = terminal(store, "tax", "form-8949", "u1", "--year", "2024", "-o", "table")
    assert "-1000" in table.stdout
    lots = terminal(store, "tax", "lots", "u1")
    assert json.loads(lots.stdout)["reports"][0]["totals"]["recognised"] == "-1000"
    others = terminal(store, "tax", "broker-differences", "u1", "--year", "2024")
    assert json.loads(others.stdout)["reports"][0]["sales"] == []
