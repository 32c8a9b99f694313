"""Faults of disks, servers and clocks, and what the log does then."""
