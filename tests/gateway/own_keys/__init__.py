"""Tests of `gateway.own_keys`."""
