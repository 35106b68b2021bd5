"""One visitor's request and everything that can happen to it, without AWS libraries."""
