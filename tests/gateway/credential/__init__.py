"""Tests of licences as credentials."""
