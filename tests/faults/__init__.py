"""Faults between the gateway and all that it talks to; each is a row of docs/faults.md."""
