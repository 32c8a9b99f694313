"""Tests of `gateway.checks`."""
