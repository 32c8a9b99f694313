"""Tests of questions that other systems answer."""
