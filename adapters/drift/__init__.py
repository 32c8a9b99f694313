"""Whether a system still speaks as its mapping says: recorded answers compared, and a patch proposed."""
