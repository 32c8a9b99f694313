"""Where a log is kept: the protocol, and its three implementations."""
