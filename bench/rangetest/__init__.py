"""`find` against the real finders of fastai, torch-lr-finder, Lightning and ignite; see `protocol`."""
