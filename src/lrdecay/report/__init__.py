"""What people look at: terminal pictures, tables, the verdict in words, figures and the self-contained HTML report.

Nothing here measures anything: every number comes from a `Study` or from arrays that are handed in. `picture` and
`tables` need the core only; `figures` and `html` need the ``study`` extra.
"""
