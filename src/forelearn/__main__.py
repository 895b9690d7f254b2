"""`python -m forelearn` is the command."""

from forelearn.cli import main

main()
