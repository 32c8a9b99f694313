"""Daily seals of the index: what a day's rows were is said in the log itself, so that none can be dropped later."""
