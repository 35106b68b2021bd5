"""Run a deployment's whole life cycle in one command: `make rehearse` (docs/rehearsal.md)."""
