"""The sharing policy of a site: its files, who approves it, which version is in force, and what was decided by it."""
