"""The headings of a recipe that is to be edited, in the order of the file."""

DATA = "What the data are"
MODEL = "What the model is"
LABELS = "How the labels count"
HEAD = "How a head is fitted that is all there is to fit (tune = head)"
TRAINING = "How everything else is trained, by steps"
AUGMENTATION = "How training images are varied"
DECISION = "What is decided with it"

SECTIONS = (DATA, MODEL, LABELS, HEAD, TRAINING, AUGMENTATION, DECISION)
