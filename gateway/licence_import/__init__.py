"""Records of another system, read through its adapter into the gateway's own licences."""
