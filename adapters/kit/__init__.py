"""Cases by which two sides see whether they read the messages of a system in the same way; made up, about nobody."""
