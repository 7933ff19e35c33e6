"""What popular documents say about poor minima and sharp ones, and what learning rates have to do with them."""
