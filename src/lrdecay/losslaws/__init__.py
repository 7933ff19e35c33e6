"""Laws of loss curves: what a schedule does to the loss, one paper per file, one interface; numpy and scipy only."""
