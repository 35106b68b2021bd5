"""A whole life of a deployment in one command: `make rehearse` (docs/rehearsal.md)."""
