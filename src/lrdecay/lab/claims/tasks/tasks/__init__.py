"""Tasks of claims/tasks: what is in this folder is part of the identity of its runs."""
