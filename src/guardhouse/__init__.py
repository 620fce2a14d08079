"""Guardhouse: an open, self-hosted AI guard."""

__version__ = "0.1.0"
