"""OFD packages (GB/T 33190): reading them strictly, and composing them."""
