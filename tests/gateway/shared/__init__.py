"""Tests of `gateway.shared`."""
