"""Whether the images of today are still those that a model was trained on."""
