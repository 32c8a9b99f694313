"""Witnesses: the one that we are for others, and those that cosign our log."""
