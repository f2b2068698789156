"""Other stacks decode beside ours, each in a worker process of its own."""
