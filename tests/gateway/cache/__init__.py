"""Tests of `gateway.cache`."""
