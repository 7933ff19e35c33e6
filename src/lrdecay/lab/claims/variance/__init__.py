"""What popular documents say of the learning rate: that it is the most important hyperparameter."""
