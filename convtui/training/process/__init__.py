"""The training process: the loop in PyTorch, and the pipes to the process that started it."""
