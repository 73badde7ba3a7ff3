-- Few days of all have a flow, a fee, a position at cost or nothing of worth: the returns of very many
-- portfolios are read from these and the ends of the period, however long the history is. The condition
-- is that of the statement turning_days, word for word, or the index is not used.
CREATE INDEX portfolio_days_turning ON portfolio_days (day, portfolio_id)
    WHERE superseded_at = 'infinity'
      AND (bod_cashflow <> 0 OR eod_cashflow <> 0 OR fees <> 0 OR unpriced_cost <> 0
           OR eod_market_value <= 0);
