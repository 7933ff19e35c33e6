"""What is trained: every file here is part of a run's identity."""
