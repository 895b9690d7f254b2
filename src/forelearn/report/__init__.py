"""The results as one value, and its views: a page, terminal tables, CSV."""
