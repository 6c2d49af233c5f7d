"""What is learnt from sequences: tasks, tokens, language models."""
