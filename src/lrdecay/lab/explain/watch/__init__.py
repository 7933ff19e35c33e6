"""What is run in workers: a run that is watched, its probe with wrong labels, a script. Its source is in their identity."""
