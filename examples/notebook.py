# %% [markdown]
# # A book in a notebook
#
# `tidebook.connect` opens a book by the address of a server, by its data directory, or by a
# `postgresql://` URL, and gives the same figures through each. Here the ten years of example data
# go into a new directory first; with a book of your own, leave this cell out.

# %%
import subprocess
import sys
import tempfile
from pathlib import Path

folder = Path(tempfile.mkdtemp()) / "book"
demo = [
    sys.executable,
    "-m",
    "tidebook",
    "--data",
    str(folder),
    "demo",
    "--no-serve",
    "--port",
    "0",
]
done = subprocess.run(demo, capture_output=True, check=True)

# %%
import tidebook

book = tidebook.connect(folder)
for portfolio in book.portfolios():
    print(portfolio.portfolio_id, portfolio.name, portfolio.base_currency, portfolio.open_date)

# %% [markdown]
# ## Rows, columns and frames
#
# Every list is a table of frozen rows. Rows keep every digit.

# %%
positions = book.positions("DEMO-001")
positions[0].market_value, positions[0].unrealized_gain_loss

# %% [markdown]
# A polars frame and an Arrow table keep them as decimals; numpy and pandas hold float64.

# %%
import polars as pl

frame = positions.to_polars()
frame.select("security_id", "quantity", pl.col("market_value").round(2)).sort(
    "market_value", descending=True
)

# %% [markdown]
# What an answer rests on comes with it: as of which day, of which state of the book, and how much
# of the value was priced.

# %%
fresh = positions.freshness
print(fresh.as_of, fresh.generation, fresh.status, fresh.coverage)

# %% [markdown]
# ## Returns over periods
#
# Time-weighted returns do not depend on when money came in; money-weighted ones do. The example
# data ends in 2022, so the day is said. Returns are fractions.

# %%
from tidebook.client import Measuring, Risking, When

last = When(as_of=fresh.as_of)
measured = Measuring(last)
rates = {one.period: one.mwr_annualized for one in book.mwr("DEMO-001", measuring=measured)}
for one in book.performance("DEMO-001", measuring=measured):
    rate = rates[one.period]
    told = "not annualised" if rate is None else f"{rate:.2%}"
    print(f"{one.period:4} {one.cumulative_return:9.2%}  a year, money-weighted: {told}")

# %% [markdown]
# What has no answer is `None`, and says why.

# %%
(early,) = book.performance("DEMO-001", ["2012"], measured)
print(early.cumulative_return, "-", early.reason)

# %% [markdown]
# ## The same functions on arrays alone
#
# Everything in `tidebook.analytics` takes arrays, from a book or from anywhere else.

# %%
from tidebook import analytics

daily = book.returns("DEMO-001", "SI", "DAILY", measured).columns
returns = daily["cumulative_return"]
suite = analytics.suite(returns)
print(suite.n, "returns")
for name in ("annual_return", "volatility", "sharpe_arithmetic", "sortino", "max_drawdown"):
    print(f"{analytics.measure_of(name).title:18} {suite.figures[name]:8.4f}")

# %%
import numpy as np

fallen = analytics.drawdown(daily["end_date"], np.cumprod(1 + returns) - 1)
for fall in analytics.worst_falls(fallen, 3):
    print(f"{fall.depth:.2%} from {fall.peak_on} to {fall.trough_on}, back {fall.recovered_on}")

# %% [markdown]
# How certain is a Sharpe ratio of ten years? Chance is handed in, so that the same seed tells the
# same interval.

# %%
drawn = analytics.bootstrap(returns, ["sharpe_arithmetic"], np.random.default_rng(1))
sharpe = drawn["sharpe_arithmetic"]
print(f"{sharpe.figure:.2f}, with 95 of 100 between {sharpe.low:.2f} and {sharpe.high:.2f}")

# %%
series = analytics.DatedReturns(daily["end_date"], returns)
rolled = analytics.rolling(series, 252, ["volatility"])
volatility = rolled.figures["volatility"]
print(f"volatility of a year: {volatility.min():.1%} to {volatility.max():.1%}")

# %% [markdown]
# ## Risk, contribution, comparison
#
# The book measures too, beside a benchmark, which is here an index among its instruments.

# %%
told = book.risk(
    "DEMO-001",
    ["3Y"],
    ["beta", "alpha_annual", "tracking_error", "information_ratio", "up_capture", "down_capture"],
    risking=Risking(benchmark="SP500"),
    measuring=measured,
)
for figure in told:
    print(f"{figure.metric:18} {figure.value:8.4f}  {figure.unit}, of {figure.n} returns")

# %%
parts = book.contribution("DEMO-001", "1Y", "SECURITY", measured)
for part in sorted(parts, key=lambda part: part.contribution):
    print(f"{part.group:9} {part.contribution:8.2%} of {part.average_weight:6.1%} of the value")
print(f"{sum(part.contribution for part in parts):18.2%} in all")

# %% [markdown]
# A client beside an index that gets the same money on the same days:

# %%
both = book.comparison("DEMO-CLIENT", "SP500", last)
print(both.start_date, "to", both.end_date, both.status)
print(f"earned {both.profit:,.2f} {both.currency}, {both.mwr_annual:.2%} a year")
print(f"the index with the same flows: {both.benchmark_mwr_annual:.2%} a year")
print("\n".join(both.warnings))

# %% [markdown]
# ## Attribution from weights and returns
#
# Two segments: half of each in the benchmark, which earned 8 % and 12 %.

# %%
effects = analytics.brinson(
    analytics.Segments(
        weights=np.array([0.6, 0.4]),
        returns=np.array([0.10, 0.10]),
        benchmark_weights=np.array([0.5, 0.5]),
        benchmark_returns=np.array([0.08, 0.12]),
    )
)
print(np.round(effects.allocation, 6), np.round(effects.selection, 6))

# %%
book.close()
