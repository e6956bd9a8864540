"""No test has a time limit: a machine that does something else meanwhile proves nothing about drgen."""

from hypothesis import settings

settings.register_profile("drgen", deadline=None)
settings.load_profile("drgen")
