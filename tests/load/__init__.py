"""Load tests: many forms at a time, with faults, and the outcome of each form.

`forms` defines the load and makes the forms. `faults` makes functions die, steps fail and messages
arrive twice or late. `pour` posts and follows the forms. `seen` holds the outcome.
"""
