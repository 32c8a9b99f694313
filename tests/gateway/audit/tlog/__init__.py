"""Tests of `gateway.audit.tlog`."""
