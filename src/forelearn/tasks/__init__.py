"""Tasks from files: readers, label columns, splits, audit, synthetic families."""
