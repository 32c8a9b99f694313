"""Our own keys: what they are, how they rest in a file, and what signs with them; no file is opened here."""
