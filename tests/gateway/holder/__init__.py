"""Tests of `gateway.holder`."""
