"""One module a command of ``python -m generator``, or a few that share their path; each is imported when called."""
