"""The API's routes, one module per subject, and the code that they share."""
