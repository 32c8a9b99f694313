"""Revocation status fetched ahead of need: lists, OCSP answers and status feeds, kept, aged, and swapped in whole."""
