"""Where the seconds between a visitor's form and their text went."""
