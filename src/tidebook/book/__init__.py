"""From trades to a daily series.

Read in this order: cashflows, ledger, lots, policies,
positions, valuation, vectors, series.
"""
