"""Measurements of the product beside its peers; imports everything, imported by nothing but the command line."""
