"""Tests of `gateway.audit.store`."""
