"""Explain a run of the user's own: the lab's instruments on any task or script, and a page of plain words."""
