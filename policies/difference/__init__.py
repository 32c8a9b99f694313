"""What changes from one policy to another, for whom."""
