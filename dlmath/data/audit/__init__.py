"""What is wrong with a data set, found before a minute of training is spent on it."""
