"""The one Redis, or cluster of them, that several processes and machines share; without it each is for itself."""
