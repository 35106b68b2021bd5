"""Code that the training and evaluation steps share; sent to EMR together with `marquee`."""
