"""Laws of loss curves: what a schedule does to the loss, one paper per file, under one interface; pure, numpy and scipy."""
