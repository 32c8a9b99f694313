"""Tests of `gateway.sources`."""
