"""Read-only checks for everything that would make a deployment fail halfway."""
