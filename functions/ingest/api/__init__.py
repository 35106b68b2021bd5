"""The API's routes, one module a subject, and what they share."""
