"""What people look at: terminal pictures, tables, the verdict in words, figures and the self-contained HTML report.

Nothing here measures anything: every number comes from a `Study` or from arrays that are handed in. `picture` needs the
core only; everything else is about studies and needs the ``study`` extra.
"""
