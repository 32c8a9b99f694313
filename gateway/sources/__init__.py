"""Where licences come from when a question names one instead of bringing its document."""
