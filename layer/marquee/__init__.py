"""Marquee's shared package: `recommender`, `requests`, `serving`, and the adapters in `aws`."""
