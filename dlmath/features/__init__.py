"""The features of images under a frozen network: computed once, fast, and kept."""
