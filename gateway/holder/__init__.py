"""Holders who ask who looked at theirs: signing in, secrecy, and the words of the answer."""
