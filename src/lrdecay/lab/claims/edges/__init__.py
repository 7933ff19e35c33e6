"""What popular documents say of rates that are too small, "slow", and too large, "diverging": where the edges are."""
