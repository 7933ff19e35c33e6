"""The learning-rate range test: raise the rate until training breaks, read the curve (Smith 2017, arXiv:1506.01186).

`driver` makes the curve and leaves everything as it was; `reading` turns curves into rates and knows no framework.
"""
