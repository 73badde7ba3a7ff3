"""The golden cases that cannot be checked yet, each with what it is missing.

A key is an area (``format/area``) or the id of a case. The runner fails for an entry that names
nothing and for an entry whose cases hold, so that this list can only shrink.
"""

from __future__ import annotations

_BOOK = "the book (ledger, lots, cash legs, positions, valuation, daily series)"
_RISK = "the risk measures"
_STRATEGY = "the regime detector and the allocation"

NOT_YET: dict[str, str] = {
    "event_driven/risk": f"missing: {_RISK}",
    "event_driven/risk_calendar": f"missing: {_RISK}",
    "event_driven/risk_horizon": f"missing: {_RISK}",
    "event_driven/risk_resample": f"missing: {_RISK}",
    "event_driven/concentration": "missing: the exposure measures",
    "peers/trade": f"missing: {_BOOK}",
    "peers/position": f"missing: {_BOOK}",
    "peers/gains": f"missing: {_BOOK}",
    "peers/twr_daily": f"missing: {_BOOK}",
    "peers/period": f"missing: {_BOOK}, and the earnings of a period",
    "peers/roai": f"missing: {_BOOK}, and the return on average investment",
    "peers/security_return": f"missing: {_BOOK}, and the return of one security",
    "peers/yield": f"missing: {_BOOK}, and dividend yields",
    "peers/quote": f"missing: {_BOOK}",
    "peers/split_ratio": "missing: corporate actions",
    "peers/rebalance": "missing: rebalancing",
    "peers/risk": f"missing: {_RISK}",
    "quant/performance": "missing: Dietz returns, linking and returns in foreign currency",
    "quant/conventions": "missing: the risk-free rate per period",
    "quant/risk": f"missing: {_RISK}",
    "quant/tail": f"missing: {_RISK}",
    "quant/trades": f"missing: {_RISK}",
    "quant/benchmark": "missing: the measures against a benchmark",
    "quant/attribution": "missing: attribution",
    "quant/regime": f"missing: {_STRATEGY}",
    "quant/allocation": f"missing: {_STRATEGY}",
    "compliance/wash_sale_us": "missing: the compliance rules",
    "compliance/superficial_loss_ca": "missing: the compliance rules",
    "compliance/pdt": "missing: the compliance rules",
    "compliance/intraday_margin": "missing: the compliance rules",
    "compliance/position_size": "missing: the compliance rules",
    "compliance/reg_t_initial": "missing: the compliance rules",
    "compliance/leverage": "missing: the compliance rules",
    "compliance/maintenance_margin": "missing: the compliance rules",
    "compliance/cash_account_gfv": "missing: the compliance rules",
    "compliance/minimum_equity": "missing: the compliance rules",
}
