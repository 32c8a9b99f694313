"""Budgets: how much may be asked, counted before an answer leaves, and the same for people who do not exist."""
