"""Searching the log."""
