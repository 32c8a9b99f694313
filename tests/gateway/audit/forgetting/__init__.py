"""Tests of `gateway.audit.forgetting`."""
