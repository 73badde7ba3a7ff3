"""The steps. ``0001_first_light.py`` runs the statements of ``0001_first_light.sql``."""
