"""Tests of compatibility kits."""
