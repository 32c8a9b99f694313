"""Forgetting: persons by order, private parts by age."""
