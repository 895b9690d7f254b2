"""What holds for all tests."""

from hypothesis import settings

# a machine that is busy with something else must fail no test
settings.register_profile("forelearn", deadline=None)
settings.load_profile("forelearn")
