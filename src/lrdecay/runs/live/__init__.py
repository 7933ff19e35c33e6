"""Runs that are under way: what they say of themselves in a store, and what they are told through it.

`names` says what a run is called and who holds the name, `standing` how it stands; `channel` and `desk` are the run's
side, `journals` repeats what was done, and `steering` is what a script or a training loop opens it with. No thread and
no daemon: all happens between two updates.
"""
