"""The operator's report: a visitor's story in numbers, as one HTML page (`make report`)."""
