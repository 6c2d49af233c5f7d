"""Prediction without TensorFlow: LiteRT, Pillow and NumPy answer in a fraction of its import."""
