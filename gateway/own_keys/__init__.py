"""The gateway's own keys: files, devices, and the journal of what was done with them."""
