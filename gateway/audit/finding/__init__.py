"""Findings: what an auditor found in the log as one signed file, which anybody verifies without the log."""
