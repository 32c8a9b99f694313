"""Consents of holders: who agreed to what, until when, and whether it was withdrawn."""
