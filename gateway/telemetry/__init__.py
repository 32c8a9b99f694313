"""Traces of requests for whoever operates the gateway: what was done, in which order, and how long it took."""
