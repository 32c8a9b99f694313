"""The log of a site over all its half-years: where its files are, its secrets, who writes it and who reads it."""
