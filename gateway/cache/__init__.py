"""What was found out once, kept until it ends: in the process, and where there is one in Redis."""
