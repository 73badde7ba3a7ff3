"""Views of one small portfolio, worked out by hand, for the tests of the query routes.

P-1 deposits 10,000 USD on 10 March 2025 and buys 10 S-1 at 100.25 with a fee of 1.50; S-1 closes
at 101.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from tests.edges.memory_book import NOW, Desk, freshness
from tidebook.book.holding_periods import HoldingPeriod, Term
from tidebook.book.series import PortfolioDay
from tidebook.book.valuation import MarketValue, Valuation, ValuationStatus
from tidebook.engine.causes import Amounts, Cause, CauseKind, SeriesRestated
from tidebook.engine.views import (
    ActionView,
    AppliedActionView,
    BookedEntry,
    EntriesView,
    EntryView,
    FindingView,
    HistoryView,
    LotView,
    PositionChange,
    PositionsView,
    PositionView,
    RestatementView,
    SeriesView,
    TransactionView,
)
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.facts import Price, Rate, Transaction, TransactionType
from tidebook.model.findings import unknown_instrument
from tidebook.model.instruments import Instrument, built_in_instrument
from tidebook.model.markets import PriceQuote
from tidebook.model.portfolios import Portfolio

ON = date(2025, 3, 10)
ZERO, ONE = Decimal(0), Decimal(1)
PORTFOLIO = Portfolio("P-1", "USD", date(2025, 3, 1), name="First", cif_id="C-1")
SHARE = Instrument("S-1", "One", "USD", "Equity", asset_class="Equity")
CASH = built_in_instrument("CASH_USD", "USD") or SHARE
VALUED = Valuation(
    ValuationStatus.VALUED_CURRENT,
    PriceQuote(ON, Decimal("101.00"), "USD"),
    ONE,
    ONE,
    MarketValue(Decimal(1010), Decimal(1010), Decimal(6), Decimal(6)),
    None,
)
UNVALUED = Valuation(
    ValuationStatus.UNVALUED, None, None, None, None, "no price is known on or before 2025-03-10"
)
SHARES = PositionView(
    "S-1",
    SHARE,
    Decimal("10.00"),
    Decimal(1004),
    Decimal(1004),
    ZERO,
    ZERO,
    ON,
    2,
    reprocessing=False,
    valuation=VALUED,
)
MONEY = PositionView(
    "CASH_USD",
    CASH,
    Decimal(8996),
    Decimal(8996),
    Decimal(8996),
    ZERO,
    ZERO,
    ON,
    0,
    reprocessing=True,
    valuation=VALUED._replace(
        quote=PriceQuote(ON, ONE, "USD"),
        value=MarketValue(Decimal(8996), Decimal(8996), ZERO, ZERO),
    ),
)
POSITIONS = PositionsView(
    PORTFOLIO,
    freshness(ON),
    (SHARES, MONEY),
    Decimal(10006),
    Decimal(10000),
    Decimal(6),
    ZERO,
    ONE,
)
BOUGHT = TransactionView(
    Transaction(
        "T-1",
        "P-1",
        "S-1",
        TransactionType.BUY,
        datetime(2025, 3, 10, 15, 30, tzinfo=UTC),
        None,
        Decimal(10),
        Decimal("100.25"),
        Decimal("1002.50"),
        "USD",
        "USD",
        fee=Decimal("1.50"),
    ),
    1,
    ON,
    NOW,
    "BOOKED",
    (
        EntryView(
            "S-1",
            "main",
            2,
            Decimal(10),
            Decimal(1004),
            Decimal(1004),
            None,
            None,
            None,
            None,
            ONE,
            "USD",
            "INVESTMENT_OUTFLOW",
            "BOD",
            is_portfolio_flow=False,
            cash_amount=Decimal(-1004),
            position_flow=Decimal(1004),
            matches=(("T-0", ON, Decimal(1), Decimal(2), Decimal(3)),),
        ),
    ),
    (unknown_instrument("T-1", "S-1"),),
)
LOT = LotView(
    "S-1",
    "T-1",
    ON,
    Decimal(10),
    Decimal(1004),
    Decimal(1004),
    Decimal("100.4"),
    Decimal("100.4"),
    "USD",
    HoldingPeriod(0, Term.SHORT, date(2026, 3, 11)),
    VALUED.value,
    None,
)
DAYS = (
    PortfolioDay(ON, ZERO, Decimal(10000), ZERO, Decimal(10200), ZERO, ZERO),
    PortfolioDay(date(2025, 3, 11), Decimal(10200), ZERO, ZERO, Decimal(10500), ZERO, ZERO),
)
RESTATED = RestatementView(
    "S-1",
    2,
    ON,
    "a back-dated transaction",
    1,
    2,
    NOW,
    (Cause(CauseKind.TRANSACTION, "T-0", 1),),
    Amounts(Decimal(10), Decimal(1004), ZERO),
    Amounts(Decimal(12), Decimal("1200.5"), Decimal(-3)),
)
REVALUED = RestatementView(
    None,
    None,
    ON,
    "days already valued were valued anew",
    None,
    None,
    NOW,
    (Cause(CauseKind.PRICE, "S-1 2025-03-10", 2), Cause(CauseKind.RATE, "EUR/USD 2025-03-10", 1)),
    series=SeriesRestated(ON, DAYS[1].on, 2, DAYS[1].on, Decimal(10520), Decimal(10500)),
)
SERIES = SeriesView(PORTFOLIO, freshness(date(2025, 3, 11)), ON, DAYS)


SALE = BookedEntry(
    "T-3",
    TransactionType.SELL,
    date(2025, 6, 2),
    datetime(2025, 6, 2, tzinfo=UTC),
    EntryView(
        "S-1",
        "main",
        2,
        Decimal(-5),
        Decimal(-502),
        Decimal(-502),
        Decimal(48),
        Decimal(48),
        Decimal(48),
        ZERO,
        ONE,
        "USD",
        None,
        None,
        None,
        None,
        None,
        matches=(("T-1", ON, Decimal(5), Decimal(502), Decimal(502)),),
    ),
)
"""Half of the ten are sold for 550."""
LATE_SALE = SALE._replace(
    transaction_id="T-4",
    on=date(2026, 3, 11),
    entry=SALE.entry._replace(
        realised_local=Decimal(-2), realised_base=Decimal(-2), realised_price=Decimal(-2)
    ),
)
"""The other half goes for 500, a year and a day after it was bought."""
REALISED = EntriesView(PORTFOLIO, freshness(ON), (SALE, LATE_SALE), (SHARE,))
NOTHING_REALISED = EntriesView(PORTFOLIO, freshness(ON), ())


SPLIT = CorporateAction("A-1", ActionType.SPLIT, "S-1", ON, Decimal(2))
APPLIED = AppliedActionView(
    SPLIT,
    1,
    NOW,
    "A-1@P-1",
    "BOOKED",
    (
        SALE.entry._replace(
            quantity=Decimal(10),
            cost_local=ZERO,
            cost_base=ZERO,
            realised_local=Decimal(3),
            realised_base=Decimal(4),
            matches=(("T-1", ON, Decimal(10), Decimal(1004), Decimal(1004)),),
        ),
    ),
    (),
)
BUYING = TransactionType.BUY


def desk() -> Desk:
    """Return a client of a book that holds the portfolio of this module."""
    made = Desk()
    reader = made.reader
    reader.kept["P-1"] = PORTFOLIO
    reader.kept_positions["P-1"] = POSITIONS
    change = PositionChange(ON, "T-1", Decimal(10), Decimal(1004), Decimal(1004), 2, BUYING)
    reader.kept_history["P-1", "S-1"] = HistoryView(
        PORTFOLIO, "S-1", freshness(ON), ((change, VALUED),)
    )
    reader.kept_transactions = [BOUGHT]
    reader.kept_lots = [LOT]
    reader.kept_entries = [SALE, LATE_SALE]
    reader.kept_actions = [ActionView(SPLIT, 1, NOW, "IN_FORCE")]
    reader.kept_applied = [APPLIED]
    reader.kept_findings = [FindingView(unknown_instrument("T-2", "S-2"), "P-1", "S-2", ON, NOW)]
    reader.kept_restatements = [RESTATED, REVALUED]
    reader.kept_series["P-1"] = SERIES
    reader.kept_instruments = [SHARE]
    reader.kept_prices = [Price("S-1", ON, Decimal("101.00"), "USD")]
    reader.kept_rates = [Rate("EUR", "USD", ON, Decimal("1.0919"))]
    return made
