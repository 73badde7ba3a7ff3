"""What the demo's three investors did, written down as a person would note it.

One line is one decision: day, act, security or currency, amount. Shares are counted in shares,
money in units of its currency. A day on which the market was closed means the next open one.
Prices, exchange rates, fees and dividends are not decisions: ``tidebook.cli.demo_facts`` takes
them from the example data and from the fixed terms at the end of this file. Days up to the end of
2022 are covered.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

Row = dict[str, str | bool]


class Plan(NamedTuple):
    """One portfolio of the demo: its terms, what was decided, and what each year brings.

    ``yearly_fee`` is the custodian's, in ``cash_currency``; ``withholding_tax`` is the fraction of
    a year's dividends that is kept back.
    """

    portfolio: Row
    decisions: str
    cash_currency: str
    yearly_fee: Decimal
    withholding_tax: Decimal


def _portfolio(portfolio_id: str, name: str, **terms: str) -> Row:
    return {
        "portfolioId": portfolio_id,
        "name": name,
        "riskExposure": "HIGH",
        "investmentTimeHorizon": "LONG",
        "portfolioType": "DISCRETIONARY",
        "bookingCenter": "ZURICH",
        "cifId": "DEMO-CLIENT",
        "isLeverageAllowed": False,
        "status": "ACTIVE",
        "costBasisMethod": "FIFO",
        "timeZone": "UTC",
        **terms,
    }


def _instrument(security_id: str, name: str, sector: str, isin: str = "", **terms: str) -> Row:
    row: Row = {
        "securityId": security_id,
        "name": name,
        "instrumentCurrency": "USD",
        "productType": "EQUITY",
        "assetClass": "EQUITY",
        "sector": sector,
        **terms,
    }
    return {**row, "isin": isin} if isin else row


GROWTH = Plan(
    _portfolio(
        "DEMO-001",
        "Global growth, EUR",
        baseCurrency="EUR",
        openDate="2013-01-02",
        settlement="auto",
    ),
    """
    2013-01-02 DEPOSIT     EUR   30000
    2013-01-03 EXCHANGE    EUR   26000
    2013-01-07 BUY         AAPL  300
    2013-01-07 BUY         MSFT  200
    2013-01-14 BUY         JNJ   80
    2013-01-14 BUY         KO    120
    2013-02-04 BUY         JPM   120
    2013-02-04 BUY         XOM   60
    2013-03-04 BUY         GE    25
    2013-03-04 BUY         HD    60
    2013-07-01 DEPOSIT     USD   3000
    2013-08-05 BUY         PG    40
    2013-11-04 BUY         AMD   400
    2013-12-30 INTEREST    EUR   21.40
    2014-01-06 DEPOSIT     EUR   9000
    2014-01-07 EXCHANGE    EUR   8000
    2014-02-03 BUY         AAPL  150
    2014-02-03 BUY         MSFT  100
    2014-05-05 BUY         JNJ   30
    2014-05-05 BUY         JPM   60
    2014-07-01 DEPOSIT     USD   3000
    2014-08-04 BUY         XOM   25.5
    2014-11-03 BUY         HD    20
    2014-12-30 INTEREST    EUR   14.75
    2015-01-05 DEPOSIT     EUR   9000
    2015-01-06 EXCHANGE    EUR   8000
    2015-02-02 BUY         MSFT  60
    2015-02-02 BUY         GE    15
    2015-02-02 BUY         KO    100
    2015-05-04 BUY         JPM   40.5
    2015-07-01 DEPOSIT     USD   3000
    2015-08-03 BUY         AAPL  100
    2015-10-05 SELL        AMD   150
    2015-10-05 SELL        XOM   30
    2015-11-02 BUY         PG    25
    2015-12-30 INTEREST    EUR   6.10
    2016-01-04 DEPOSIT     EUR   9000
    2016-01-05 EXCHANGE    EUR   8000
    2016-02-01 BUY         KO    60
    2016-02-01 BUY         AMD   300
    2016-03-14 TRANSFER_IN JNJ   40
    2016-05-02 BUY         MSFT  54
    2016-05-02 BUY         PG    50
    2016-07-01 DEPOSIT     USD   3000
    2016-08-01 BUY         HD    18.25
    2016-10-03 SELL        GE    10
    2016-11-07 BUY         JPM   30
    2017-01-03 DEPOSIT     EUR   9000
    2017-01-04 EXCHANGE    EUR   8000
    2017-02-06 BUY         AAPL  60.5
    2017-02-06 BUY         XOM   30
    2017-05-08 BUY         PG    22
    2017-05-08 BUY         JPM   60
    2017-06-12 WITHDRAWAL  EUR   4500
    2017-07-03 DEPOSIT     USD   3000
    2017-08-07 BUY         JNJ   15.75
    2017-10-02 SELL        AMD   200
    2017-11-06 BUY         MSFT  25
    2018-01-02 DEPOSIT     EUR   9000
    2018-01-03 EXCHANGE    EUR   8000
    2018-02-05 BUY         JPM   20
    2018-02-05 BUY         HD    12
    2018-05-07 BUY         KO    45.5
    2018-05-07 BUY         MSFT  40
    2018-07-02 DEPOSIT     USD   3000
    2018-08-06 BUY         AAPL  40
    2018-10-01 SELL        GE    15
    2018-11-05 BUY         PG    20
    2019-01-02 DEPOSIT     EUR   9000
    2019-01-03 EXCHANGE    EUR   8000
    2019-02-04 BUY         MSFT  20
    2019-02-04 BUY         XOM   30
    2019-05-06 BUY         AMD   70
    2019-05-06 BUY         KO    80
    2019-07-01 DEPOSIT     USD   3000
    2019-08-05 BUY         JNJ   14.5
    2019-10-07 SELL        AAPL  100
    2019-11-04 BUY         HD    8.25
    2019-11-04 BUY         XOM   60
    2020-01-02 DEPOSIT     EUR   9000
    2020-01-03 EXCHANGE    EUR   8000
    2020-03-16 BUY         JPM   30
    2020-03-16 BUY         XOM   60
    2020-03-23 BUY         AAPL  40
    2020-03-23 BUY         MSFT  15
    2020-05-04 BUY         KO    50
    2020-07-01 DEPOSIT     USD   3000
    2020-08-03 BUY         PG    18
    2020-11-02 SELL        HD    20
    2020-11-09 WITHDRAWAL  USD   6000
    2021-01-04 DEPOSIT     EUR   9000
    2021-01-05 EXCHANGE    EUR   8000
    2021-02-01 BUY         MSFT  10.5
    2021-02-01 BUY         AMD   25
    2021-05-03 BUY         JNJ   12
    2021-07-01 DEPOSIT     USD   3000
    2021-08-02 SELL        GE    15
    2021-10-04 SELL        AMD   120
    2021-11-01 BUY         XOM   40
    2021-11-01 BUY         PG    30
    2021-11-01 BUY         HD    12
    2021-11-08 BUY         JPM   25
    2021-11-08 BUY         KO    80
    2022-01-03 DEPOSIT     EUR   9000
    2022-01-04 EXCHANGE    EUR   8000
    2022-02-07 BUY         AAPL  15
    2022-05-02 BUY         MSFT  8.25
    2022-06-13 BUY         HD    9
    2022-06-13 BUY         KO    60
    2022-07-01 DEPOSIT     USD   3000
    2022-09-06 BUY         JNJ   14
    2022-10-03 SELL        XOM   80
    2022-11-07 BUY         JPM   17.5
    2022-12-05 WITHDRAWAL  USD   5000
    2022-12-27 INTEREST    EUR   9.85
    """,
    cash_currency="EUR",
    yearly_fee=Decimal("90.00"),
    withholding_tax=Decimal("0.15"),
)

INCOME = Plan(
    _portfolio(
        "DEMO-002",
        "Dividend income, USD",
        baseCurrency="USD",
        openDate="2014-01-02",
        settlement="auto",
        riskExposure="MEDIUM",
        portfolioType="ADVISORY",
    ),
    """
    2014-01-02 DEPOSIT     USD   60000
    2014-01-06 BUY         KO    400
    2014-01-06 BUY         PG    180
    2014-01-13 BUY         JNJ   150
    2014-01-13 BUY         XOM   160
    2014-01-21 BUY         JPM   200
    2015-12-14 WITHDRAWAL  USD   1500
    2016-03-07 SELL        XOM   60
    2016-03-14 BUY         JNJ   30
    2017-12-11 WITHDRAWAL  USD   1800
    2019-12-09 WITHDRAWAL  USD   1800
    2020-06-08 BUY         XOM   50
    2021-03-08 SELL        JPM   40
    2021-12-13 WITHDRAWAL  USD   7000
    """,
    cash_currency="USD",
    yearly_fee=Decimal("75.00"),
    withholding_tax=Decimal(0),
)

TECHNOLOGY = Plan(
    _portfolio(
        "DEMO-003",
        "Technology, explicit settlement",
        baseCurrency="USD",
        openDate="2018-01-02",
        settlement="explicit",
        bookingCenter="SINGAPORE",
    ),
    """
    2018-01-02 DEPOSIT     USD   25000
    2018-01-08 BUY         AAPL  200
    2018-01-08 BUY         MSFT  90
    2018-01-16 BUY         AMD   500
    2019-05-06 DEPOSIT     USD   5000
    2019-05-13 BUY         AMD   120
    2020-09-08 SELL        AAPL  60
    2020-09-14 BUY         MSFT  20
    2021-11-08 SELL        AMD   300
    2021-12-06 WITHDRAWAL  USD   20000
    2022-06-21 BUY         AAPL  120
    """,
    cash_currency="USD",
    yearly_fee=Decimal("40.00"),
    withholding_tax=Decimal(0),
)

PLANS = (GROWTH, INCOME, TECHNOLOGY)

INSTRUMENTS: tuple[Row, ...] = (
    _instrument("AAPL", "Apple Inc.", "Information Technology", "US0378331005"),
    _instrument("AMD", "Advanced Micro Devices, Inc.", "Information Technology", "US0079031078"),
    _instrument("GE", "General Electric Company", "Industrials"),
    _instrument("HD", "The Home Depot, Inc.", "Consumer Discretionary", "US4370761029"),
    _instrument("JNJ", "Johnson & Johnson", "Health Care", "US4781601046"),
    _instrument("JPM", "JPMorgan Chase & Co.", "Financials", "US46625H1005"),
    _instrument("KO", "The Coca-Cola Company", "Consumer Staples", "US1912161007"),
    _instrument("MSFT", "Microsoft Corporation", "Information Technology", "US5949181045"),
    _instrument("PG", "The Procter & Gamble Company", "Consumer Staples", "US7427181091"),
    _instrument("XOM", "Exxon Mobil Corporation", "Energy", "US30231G1022"),
    _instrument("SP500", "S&P 500 price index", "Index", productType="INDEX", assetClass="INDEX"),
    _instrument("CASH_USD", "US dollar account", "Cash", productType="CASH", assetClass="CASH"),
    _instrument(
        "CASH_EUR",
        "Euro account",
        "Cash",
        productType="CASH",
        assetClass="CASH",
        instrumentCurrency="EUR",
    ),
)

ILLUSTRATIVE_DIVIDEND_PER_SHARE: dict[str, tuple[int, Decimal]] = {
    "JNJ": (3, Decimal("1.50")),
    "KO": (4, Decimal("0.60")),
    "JPM": (5, Decimal("0.90")),
    "PG": (6, Decimal("1.20")),
    "XOM": (10, Decimal("1.20")),
}
"""Month of the yearly payment and US dollars a share: made up, the same in every year.

The example data holds no dividends. These stand in for them so that income, withholding tax and
cash can be seen at work; they are not what the companies paid. Shares that are not named here pay
nothing in the demo.
"""

FEE_RATE = Decimal("0.0005")
"""The broker's charge as a fraction of the traded amount."""

FEE_MINIMUM = Decimal("1.00")
"""The least that the broker charges for a trade, in US dollars."""
