"""Every measure of a series of returns: one function of a summary and one entry each."""

from tidebook.analytics.measures.earned import EARNED
from tidebook.analytics.measures.losses import LOSSES
from tidebook.analytics.measures.measure import Direction, Measure, Unit
from tidebook.analytics.measures.scatter import SCATTER
from tidebook.analytics.measures.versus import VERSUS

__all__ = ["EARNED", "LOSSES", "SCATTER", "VERSUS", "Direction", "Measure", "Unit"]
