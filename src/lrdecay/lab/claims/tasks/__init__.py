"""Whether the best decay depends on the task and on the architecture, as popular documents say."""
