"""Tasks of claims/layers: what is in this folder is part of the identity of its runs."""
