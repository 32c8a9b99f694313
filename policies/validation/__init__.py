"""Whether a policy is sound: every fault of it at once."""
