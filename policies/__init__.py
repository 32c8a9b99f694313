"""What may be shared: rules in, one decision per field out. Pure."""
