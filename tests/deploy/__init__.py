"""Tests of what is deployed: alerts, dashboard, unit, image and chart."""
