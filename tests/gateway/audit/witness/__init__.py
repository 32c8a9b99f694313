"""Tests of `gateway.audit.witness`."""
