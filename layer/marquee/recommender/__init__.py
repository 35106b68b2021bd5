"""Score, rank and explain movies with a trained model. Uses only numpy and the standard library,
because the whole package also runs on EMR."""
