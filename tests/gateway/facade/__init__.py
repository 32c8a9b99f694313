"""Tests of façades."""
