"""What a policy reaches, and what nobody can reach."""
