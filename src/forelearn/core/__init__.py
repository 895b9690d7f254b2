"""The words of the project as frozen values. Standard library only."""
