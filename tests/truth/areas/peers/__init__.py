"""Adapters for cases that name a kind."""
