"""One room per foreign framework, thin, each with the same verbs: ``attach`` and, where it applies, ``from_peer``."""
