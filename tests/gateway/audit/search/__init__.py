"""Tests of `gateway.audit.search`."""
