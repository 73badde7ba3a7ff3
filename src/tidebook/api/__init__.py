"""The HTTP edge: JSON routes and pages over the engine's commands and reader."""

from tidebook.api.app import create_app
from tidebook.api.edge import AppSettings

__all__ = ["AppSettings", "create_app"]
