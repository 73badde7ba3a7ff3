"""Adapters for cases that name a rule."""
