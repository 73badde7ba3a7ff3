"""Alpaca: daily bars of US funds, with distributions and splits worked in."""

from tidebook.adapters.alpaca.bars import AlpacaBars

__all__ = ["AlpacaBars"]
