"""Alarms: what in the log somebody should look at, by rules that a site writes as data."""
