"""Tidebook: a portfolio book of record with analytics and control."""

__version__ = "0.1.0"
