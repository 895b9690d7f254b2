"""Which transfer to try next, inside a budget. Standard library only."""
