"""Tests of `gateway.budget`."""
