"""What is trained: one network on mnist1d under many optimizers."""
