"""Tests of `gateway.status`."""
