"""Limits: how much a caller may ask at once, that no token is used twice, and what goes first in an overload."""
