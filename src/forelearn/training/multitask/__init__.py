"""Training a target together with auxiliary tasks: one file a method, behind one small protocol (`method.py`)."""
