"""The command line: thin over the verbs, JSON on request, one clear line for what is wrong."""
