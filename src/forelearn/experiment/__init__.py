"""The one place where stages, executor and store meet."""
