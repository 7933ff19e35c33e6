"""What popular documents say about optimizers that adapt, or average, and therefore need no decay."""
