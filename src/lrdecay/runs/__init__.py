"""What a run is: said completely before it starts, driven through one seam, logged in one form.

`trainable` is the seam, `spec` says a run, `task_source` and `script_source` are the two doors a run comes through,
`trace` is its log.
"""
