"""Many forms at once, faults on their way, and what became of every one of them.

`forms` says how many come and makes them, `faults` lets functions die, steps fail and messages come
twice or late, `pour` posts and follows the forms, `seen` holds what came of it.
"""
