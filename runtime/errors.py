"""The errors that stop a program before it runs."""


class StartupError(Exception):
    """An expected failure to start: its text is one clear sentence, free of passwords. The command line prints it and
    exits 1.
    """


class SettingsError(StartupError):
    """A setting that cannot be used; the text names the variable. The command line exits 2."""
