"""Whether rates of their own for each layer help fine-tuning, as popular documents say.

Howard and Ruder, Universal Language Model Fine-tuning for Text Classification, 2018, arXiv:1801.06146.
"""
