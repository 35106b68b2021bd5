"""The embedded catalogue: well-known films with ratings drawn from a taste model."""

from pathlib import Path

DATASET = "embedded"
MOVIES = Path(__file__).with_name("movies.csv")
