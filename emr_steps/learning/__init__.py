"""What the training and evaluation steps share; travels to EMR beside `marquee`."""
