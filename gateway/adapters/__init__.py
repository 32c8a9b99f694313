"""Asking other systems: requests made from their recipes, sent, signed, and their answers read by their mappings."""
