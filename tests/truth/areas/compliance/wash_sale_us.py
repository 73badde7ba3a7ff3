"""Wash sales: the trades of each case, kept as a real book, and what the tax view makes of it."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.truth.tolerance import assert_known
from tidebook.book.whole import Facts, build
from tidebook.compliance.taxes import (
    Account,
    AccountKind,
    AssetClass,
    Household,
    Identity,
    Owner,
    WashTerms,
    form_8949,
    household_history,
    match_washes,
    tax_lots,
)
from tidebook.model.facts import LotChoice, Transaction, TransactionType
from tidebook.model.instruments import Instrument, OptionRight
from tidebook.model.markets import rate_table
from tidebook.model.money import ZERO
from tidebook.model.portfolios import CostMethod, Portfolio

if TYPE_CHECKING:
    from tests.truth.cases import Content
    from tidebook.compliance.taxes import History, TaxSale, TaxView

TYPES = {
    "buy": TransactionType.BUY,
    "sell": TransactionType.SELL,
    "sell_short": TransactionType.SELL,
    "buy_to_cover": TransactionType.BUY,
    "drip": TransactionType.DIVIDEND_REINVESTED,
    "reinvest": TransactionType.DIVIDEND_REINVESTED,
    "vest": TransactionType.AIRDROP,
}
KINDS = {
    "taxable": AccountKind.TAXABLE,
    "ira": AccountKind.IRA,
    "roth": AccountKind.ROTH_IRA,
    "roth_ira": AccountKind.ROTH_IRA,
    "401k": AccountKind.RETIREMENT_PLAN,
    "rrsp": AccountKind.RRSP,
    "tfsa": AccountKind.TFSA,
}
OWNERS = {
    "self": Owner.SELF,
    "spouse": Owner.SPOUSE,
    "controlled": Owner.CONTROLLED,
    "controlled_entity": Owner.CONTROLLED,
    "corporation": Owner.CONTROLLED,
}
OPTION = re.compile(r"(?P<underlying>[A-Z.]+) *\d{6}(?P<right>[CP])\d{8}")
TOTALS = {
    "flag",
    "total_disallowed",
    "total_recognized",
    "total_permanently_disallowed",
    "disposals",
    "open_lots",
}
NAMES = {"sale_id", "lot_id", "holding_period_start", "term", "code", "replacements"}
FIGURES = {
    "qty": "shares",
    "proceeds": "proceeds",
    "basis": "basis",
    "adjusted_proceeds": "proceeds",
    "gain_before_wash": "gain_before_wash",
    "disallowed_loss": "disallowed",
    "recognized_gain": "recognised",
    "permanently_disallowed": "permanent",
}
CENT = Decimal("0.01")

Sums = dict[tuple[str, ...], Decimal]


def check(case: Content) -> None:
    """Compare every disposal, every replacement, every open lot and the totals of a case."""
    assert_known(case["expected"], TOTALS)
    terms = _terms(case)
    history = _history(case, terms)
    assert not history.left_out
    view = match_washes(history.events, terms)
    expected = case["expected"]
    totals = view.totals
    assert any(sale.replacements for sale in view.sales) is expected["flag"]
    _near(totals.disallowed, expected["total_disallowed"], "disallowed")
    _near(totals.recognised, expected["total_recognized"], "recognised")
    if "total_permanently_disallowed" in expected:
        _near(totals.permanent, expected["total_permanently_disallowed"], "permanent")
    _check_disposals(view, expected["disposals"])
    if "open_lots" in expected:
        _check_lots(view, history, expected["open_lots"])


def _check_disposals(view: TaxView, expected: list[Content]) -> None:
    for row in expected:
        assert_known(row, NAMES | FIGURES.keys())
    named = [
        name
        for name in ("sale_id", "lot_id", "holding_period_start")
        if all(name in row for row in expected)
    ]
    stated = _stated(expected, named)
    _compare(_found(view, expected, named, set(stated)), stated)


def _stated(expected: list[Content], named: list[str]) -> Sums:
    stated: Sums = defaultdict(lambda: ZERO)
    for row in expected:
        heading = tuple(row[name] for name in named)
        for name in FIGURES.keys() & row.keys():
            stated[*heading, name] += _decimal(row[name])
        for each in row.get("replacements", ()):
            stated[*heading, each["lot_id"], "qty"] += _decimal(each["qty"])
            stated[*heading, each["lot_id"], "amount"] += _decimal(each["amount"])
        for name in {"term", "code"} & row.keys():
            stated[*heading, name, row[name]] = Decimal(1)
    return stated


def _found(
    view: TaxView, rows: list[Content], named: list[str], asked: set[tuple[str, ...]]
) -> Sums:
    """Return the figures that are asked for, and the code of every disposal, asked for or not.

    Replacements and terms are told of the disposals of which the case says anything of them.
    """
    found: Sums = defaultdict(lambda: ZERO)
    headings = {tuple(row[name] for name in named): row for row in rows}
    for sale in view.sales:
        own = {
            "sale_id": sale.sale_id,
            "lot_id": sale.lot.lot_id,
            "holding_period_start": str(sale.held_since),
        }
        heading = tuple(own[name] for name in named)
        row = headings.get(heading, rows[0] if rows else {})
        for name, figure in FIGURES.items():
            if (*heading, name) in asked:
                found[*heading, name] += getattr(sale, figure)
        if "replacements" in row:
            for each in sale.replacements:
                found[*heading, each.lot.lot_id, "qty"] += each.shares
                found[*heading, each.lot.lot_id, "amount"] += each.disallowed
        if "term" in row:
            found[*heading, "term", sale.term.value.lower()] = Decimal(1)
        if "code" in row or heading not in headings:
            found[*heading, "code", _code(sale)] = Decimal(1)
    return found


def _code(sale: TaxSale) -> str:
    (row,) = form_8949([sale])
    return row.code


def _check_lots(view: TaxView, history: History, expected: list[Content]) -> None:
    stated: Sums = defaultdict(lambda: ZERO)
    found: Sums = defaultdict(lambda: ZERO)
    for row in expected:
        heading = (row["lot_id"], row["holding_period_start"])
        stated[*heading, "qty"] += _decimal(row["qty"])
        stated[*heading, "basis"] += _decimal(row["adjusted_basis"])
    for lot in tax_lots(view, history):
        heading = (lot.lot.lot_id, str(lot.held_since))
        found[*heading, "qty"] += lot.shares
        found[*heading, "basis"] += lot.basis
    _compare(found, stated)


def _compare(found: Sums, stated: Sums) -> None:
    assert set(found) == set(stated)
    for name, value in stated.items():
        _near(found[name], value, str(name))


def _near(found: Decimal, expected: object, name: str) -> None:
    assert abs(found - _decimal(expected)) < CENT, f"{name}: {found}, expected {expected}"


def _decimal(value: object) -> Decimal:
    return Decimal(str(value))


def _terms(case: Content) -> WashTerms:
    config = case["config"]
    marked = date.min if config.get("mtm_475f") else None
    accounts = {
        account["account_id"]: Account(
            account["account_id"],
            KINDS[account["type"]],
            OWNERS[account.get("owner", "self")],
            marked,
        )
        for account in case["accounts"]
    }
    return WashTerms(
        accounts,
        Identity(case.get("substantially_identical", {}), _calls(case["trades"])),
        dict.fromkeys((trade["symbol"] for trade in case["trades"]), _class(config)),
        window_days=config.get("window_days", 30),
        excludes_block=config.get("same_lot_exclusion", True),
    )


def _calls(trades: list[Content]) -> dict[str, str]:
    """Return the underlying of each call, as its instrument would name it."""
    found = {trade["symbol"]: OPTION.fullmatch(trade["symbol"]) for trade in trades}
    return {
        symbol: parts["underlying"]
        for symbol, parts in found.items()
        if parts is not None and parts["right"] == "C"
    }


def _class(config: Content) -> AssetClass:
    if config.get("asset_class") == "crypto":
        return AssetClass.DIGITAL_ASSET
    contract = any("1256" in name and value for name, value in config.items())
    if contract or "1256" in str(config.get("asset_class")):
        return AssetClass.SECTION_1256
    return AssetClass.SECURITY


def _history(case: Content, terms: WashTerms) -> History:
    method = CostMethod(case["config"]["lot_method"].upper())
    portfolios = {
        name: Portfolio(name, "USD", date(2000, 1, 1), cost_method=method, allow_short=True)
        for name in terms.accounts
    }
    instruments = {trade["symbol"]: _instrument(trade) for trade in case["trades"]}
    facts = Facts(portfolios, instruments, _transactions(case["trades"]), rate_table([]))
    book = build(facts)
    assert not book.findings
    return household_history(book.keys, Household(portfolios, instruments))


def _instrument(trade: dict[str, Any]) -> Instrument:
    symbol, multiplier = trade["symbol"], trade.get("multiplier")
    parts = OPTION.fullmatch(symbol)
    if multiplier is None:
        return Instrument(symbol, symbol, "USD", "Equity")
    word = symbol.upper() if parts is None else parts["right"]
    right = OptionRight.CALL if word == "C" or "CALL" in word else OptionRight.PUT
    return Instrument(
        symbol, symbol, "USD", "Option", multiplier=Decimal(multiplier), option_right=right
    )


def _transactions(trades: list[dict[str, Any]]) -> tuple[Transaction, ...]:
    """Return trades as facts; their order in the list is the order of the day."""
    bought = {trade["id"]: Decimal(trade["qty"]) for trade in trades}
    return tuple(
        _transaction(trade, place, _chosen(trade, bought)) for place, trade in enumerate(trades)
    )


def _chosen(trade: dict[str, Any], left: dict[str, Decimal]) -> tuple[LotChoice, ...]:
    wanted = Decimal(trade["qty"])
    choices: list[LotChoice] = []
    for lot_id in trade.get("lot_ids", ()):
        taken = min(wanted, left[lot_id])
        left[lot_id] -= taken
        wanted -= taken
        choices.append(LotChoice(lot_id, taken))
    return tuple(choices)


def _transaction(trade: dict[str, Any], place: int, lots: tuple[LotChoice, ...]) -> Transaction:
    on = date.fromisoformat(trade["trade_date"])
    quantity, price = Decimal(trade["qty"]), Decimal(trade["price"])
    return Transaction(
        trade["id"],
        trade["account_id"],
        trade["symbol"],
        TYPES[trade["side"]],
        datetime(on.year, on.month, on.day, 12, tzinfo=UTC) + timedelta(minutes=place),
        on,
        quantity,
        price,
        quantity * price * Decimal(trade.get("multiplier") or 1),
        "USD",
        "USD",
        fee=Decimal(trade.get("fee") or 0),
        lots=lots,
    )
