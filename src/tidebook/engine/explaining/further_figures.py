"""The figures of parts, of users and of rules, by what they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

BRIDGE: Final[Mapping[str, str]] = {
    "start": "the value at the close of the day before the first, of what could be valued",
    "flows": "what crossed the border, positive into the portfolio",
    "price": "gains of what was sold and of what is held, less those by exchange rates",
    "currency": "gains by exchange rates, those of cash among them",
    "income": "dividends and interest before costs, less interest that was charged",
    "fees": "fees, positive where they were paid",
    "taxes": "taxes, positive where they were paid",
    "unexplained": "end + into_unpriced - start - all other lines",
    "into_unpriced": "what went into securities that could not be valued",
    "end": "the value at the close of the last day, of what could be valued",
}
BRIDGE_LINE: Final[Mapping[str, str]] = {
    "start": "what the security was worth at the close of the day before the first",
    "end": "what it was worth at the close of the last day",
    "realised": "what its sales brought less what the units were worth when the period opened, or "
    "cost since, before costs",
    "realised_currency": "realised gain less local gain x rate of the sale",
    "unrealised": "value at the end less what the units were worth when the period opened, or cost "
    "since; of cash, its gain by exchange rates",
    "unrealised_currency": "unrealised gain less local gain x rate of the last day",
}
CONTRIBUTION: Final[Mapping[str, str]] = {
    "cumulative_return": "the time-weighted return of the whole, as percent",
    "contribution": "gain of the group over the capital of the whole, day by day, linked so that "
    "all sum to the return, as percent",
    "local_contribution": "what is left of it without the group's exchange rate, as percent",
    "currency_contribution": "what the exchange rate did to the group's capital, as percent",
    "return": "the group's own time-weighted return, as percent",
    "average_weight": "the mean over the days of the group's capital over that of the whole",
    "begin_market_value": "the group's value before the first day, unpriced positions at cost",
    "end_market_value": "the group's value on the last day, unpriced positions at cost",
    "gain": "value at the end less value at the start less what moved into the group",
    "coverage": "the lowest coverage of a day",
}
ATTRIBUTION: Final[Mapping[str, str]] = {
    "portfolio_return": "the return of the whole, as percent",
    "benchmark_return": "the return of the benchmark, as percent",
    "active_return": "portfolio_return - benchmark_return",
    "other": "what no weight accounts for, as percent",
    "weight": "the group's capital over that of the whole; the mean of the days, or of the first",
    "benchmark_weight": "the group's weight in the benchmark, as it was sent",
    "allocation": "(w - v)(b - B), or (w - v) b, day by day and linked, as percent",
    "selection": "v(r - b), linked, as percent",
    "interaction": "(w - v)(r - b), linked, as percent",
    "currency": "w·c - v·c of what exchange rates did, linked, as percent",
    "total": "allocation + selection + interaction + currency",
    "coverage": "the lowest coverage of a day",
}
USER: Final[Mapping[str, str]] = {
    "invested": "what was paid for purchases, before costs",
    "sold": "what sales brought, before costs",
    "value": "all positions and cash; one without a price counts at its cost",
    "cost": "what all positions and cash cost",
    "realised": "gains by lots, after costs, without income",
    "unrealised": "gains of what is held and has a value",
    "income": "dividends and interest, before costs",
    "fees": "fees and taxes of transactions on securities",
    "pnl": "the sum of the securities' gains",
    "profit": "closing value - opening value - money put in + money taken out",
    "coverage": "value of what was priced / value",
    "returns": "the money-weighted return since the first day, as percent",
    "returns_annual": "the same a year, of 365 days or more, as percent",
    "twr": "the time-weighted return since the first day, as percent",
}
USER_SYMBOL: Final[Mapping[str, str]] = {
    "invested": "what was paid for purchases, before costs",
    "value": "what is held, at its price, else at its cost",
    "pnl": "value now less what went into the security and came out of it, costs and income "
    "included",
    "return": "pnl / what was paid for purchases, as percent",
}
CLOSED: Final[Mapping[str, str]] = {
    "win_rate": "trades won over trades won and lost, as percent",
    "win_rate_of_all": "trades won over all closed trades, as percent",
    "average_win": "the mean result of trades won, after costs",
    "average_loss": "the mean result of trades lost, after costs",
    "expectancy": "the mean result of all closed trades",
    "profit_factor": "the sum of what was won over that of what was lost",
    "pnl": "the sum of all results",
}
VERDICT: Final[Mapping[str, str]] = {
    "amount": "the amount of a verdict under its name, by the rule over the account as it stood",
    "evidence_quantity": "the units of a piece of its evidence",
    "evidence_amount": "the amount of a piece of its evidence",
}
ORDER: Final[Mapping[str, str]] = {
    "price": "the price that was sent, or the last one known",
    "max_additional_qty": "how many units the limit of the position would still take",
    "clean_qty": "how many units could be traded without a wash sale",
    "wash_disallowed": "the loss that a wash sale would take",
    "wash_permanent": "of it, what would be lost for good",
    "wash_loss": "the loss of the sale",
    "replaced_qty": "the units of a replacement, or of a sale that the purchase would wash",
    "replaced_disallowed": "the loss that they take",
    "amount": "the amount of a verdict under its name",
    "evidence_quantity": "the units of a piece of its evidence",
    "evidence_amount": "the amount of a piece of its evidence",
}
TAX_TOTAL: Final[Mapping[str, str]] = {
    "recognised": "what the sales gained for tax, after wash sales",
    "disallowed": "losses that wash sales took, each time that one rolls on",
    "permanent": "of them, what is lost for good",
    "deferred": "of them, what lies in open lots",
    "economic": "what the sales gained in the book: recognised - deferred - permanent",
}
TAX_LOT: Final[Mapping[str, str]] = {
    "quantity": "the units that are open",
    "cost": "what they cost in the book; of a short, its proceeds",
    "deferred": "the losses that were washed into them",
    "basis": "the cost with what was deferred into it",
}
TAX_SALE: Final[Mapping[str, str]] = {
    "proceeds": "what the sale brought for the units of the lot",
    "cost_or_other_basis": "what they cost for tax",
    "adjustment": "what a wash sale took of the loss",
    "gain_or_loss": "proceeds - cost_or_other_basis + adjustment",
}
BROKER_DIFFERENCE: Final[Mapping[str, str]] = {
    "disallowed": "what a wash sale took of the loss, by all accounts and identical securities",
    "disallowed_by_broker": "the same by the one account and the one security that a broker sees",
}
_HELD: Final[Mapping[str, str]] = {
    "position_value": "what one issuer is worth, longs less shorts",
    "position_percent": "the same without its sign / equity, as percent",
    "position_limit": "the limit on one position, as percent",
}
ACCOUNT: Final[Mapping[str, str]] = {
    "equity": "the worth of the account at the close of the day",
    "cash": "the cash of the account at the close of the day",
    "buying_power": "what a pattern day trader may open on the day after",
    "multiple": "how often the excess over the maintenance margin counts in it",
    "call": "what a special maintenance margin call asks for",
    "call_brought": "what came in for it",
    "deficit": "an intraday margin deficit that is not met",
    "deficit_brought": "what came in for it",
    **_HELD,
}
HOUSEHOLD: Final[Mapping[str, str]] = {
    "equity": "the sum of the accounts' equities",
    **_HELD,
}
COMPARISON: Final[Mapping[str, str]] = {
    "buy_value": "what was paid for purchases in the measured days, before costs",
    "sell_value": "what sales brought, before costs",
    "income": "dividends and interest, before costs",
    "fees": "fees and taxes of transactions and of the portfolios",
    "invested": "opening value + money put in",
    "symbol_pnl": "what one security gained in the measured days",
    "profit": "closing value - opening value - money put in + money taken out",
    "opening_value": "the value before the first measured day",
    "closing_value": "the value on the last",
    "contributions": "money put in, without fees",
    "withdrawals": "money taken out, without fees, as a positive amount",
    "coverage": "the part of the closing value that was priced",
    "coverage_at_start": "the part of the opening value that was priced",
    "profit_percent": "the user's money-weighted return over the measured days",
    "mwr_annual_percent": "the same a year",
    "twr_percent": "the user's time-weighted return",
    "start_price": "the benchmark's level at the opening, in the user's currency",
    "end_price": "its level at the end",
    "returns_percent": "end_price / start_price - 1",
    "benchmark_mwr_percent": "the benchmark's money-weighted return with the user's flows",
    "benchmark_mwr_annual_percent": "the same a year",
    "end_value_same_flows": "what the user's flows came to in the benchmark",
    "value_added": "closing value - end_value_same_flows",
    "ks_pme": "what came out over what went in, both grown with the benchmark to the end",
    "direct_alpha_percent": "the yearly rate by which the flows led the benchmark",
    "scaled_end_value": "what they came to where the benchmark pays the same share of its value",
    "scaled_mwr_annual_percent": "its yearly rate then",
    "difference_percent": "profit_percent - benchmark_mwr_percent",
    "twr_difference_percent": "twr_percent - returns_percent",
    "tracking_error_annual_percent": "the tracking error of daily returns, a year",
    "beta": "the beta of daily returns",
    "alpha_annual_percent": "the alpha of daily returns, a year",
    "information_ratio": "the information ratio of daily returns",
    "capture_up": "the capture of days on which the benchmark rose",
    "capture_down": "the capture of days on which it fell",
    "alpha_annual_percent_low": "what alpha lies above, with 95 percent",
    "alpha_annual_percent_high": "what alpha lies below",
    "beta_low": "what beta lies above, with 95 percent",
    "beta_high": "what beta lies below",
    "tracking_error_annual_percent_low": "what the tracking error lies above, with 95 percent",
    "tracking_error_annual_percent_high": "what the tracking error lies below",
    "information_ratio_low": "what the information ratio lies above, with 95 percent",
    "information_ratio_high": "what the information ratio lies below",
}
OF_GROUPS: Final = frozenset(
    {
        *(f"contribution.{name}" for name in CONTRIBUTION),
        *(f"attribution.{name}" for name in ATTRIBUTION),
    }
) - {
    "contribution.cumulative_return",
    "contribution.coverage",
    "attribution.portfolio_return",
    "attribution.benchmark_return",
    "attribution.active_return",
    "attribution.other",
    "attribution.coverage",
}
"""Those that are of one group, which has to be named."""
