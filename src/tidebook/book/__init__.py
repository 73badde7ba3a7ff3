"""From trades to a daily series.

Read in this order: cashflows, ledger, lots, policies,
positions, valuation, trades, vectors, series.
"""
