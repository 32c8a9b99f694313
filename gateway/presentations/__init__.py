"""Presentations (亮证): a holder draws a code for one licence, and whoever is shown it asks about that licence once."""
