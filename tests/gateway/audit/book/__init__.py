"""Tests of `gateway.audit.book`."""
