"""The HTTP edge: JSON routes over the engine's commands and reader, and room for pages."""

from tidebook.api.app import create_app
from tidebook.api.doors import Dependency, Doors
from tidebook.api.edge import AppSettings, random_id, random_nonce
from tidebook.api.pages import Pages

__all__ = [
    "AppSettings",
    "Dependency",
    "Doors",
    "Pages",
    "create_app",
    "random_id",
    "random_nonce",
]
