"""The HTTP edge: requests in, problem documents or answers out; everything it decides is how, never what."""
