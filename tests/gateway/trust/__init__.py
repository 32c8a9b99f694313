"""Tests of `gateway.trust`."""
