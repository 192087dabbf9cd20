"""The errors that stop a program before it runs."""


class StartupError(Exception):
    """An expected failure to start: its text is one clear sentence, free of passwords. The command line prints it and
    exits 1.
    """


class ServerUnreachableError(StartupError):
    """A server whose address is given does not answer; not every program has to stop for it."""


class SettingsError(StartupError):
    """A setting that cannot be used; the text names the variable. The command line exits 2."""
