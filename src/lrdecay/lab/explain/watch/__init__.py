"""What is run in workers: a watched run, its probe with wrong labels, a script. Its source is in their identity."""
