"""What the user can correct."""

# In a warning of TensorFlow that every job with Keras logs, and that concerns no user.
NOISE = "absl::InitializeLog"


class InputError(Exception):
    """One or more faults of the user's files or settings.

    Parameters
    ----------
    *problems : str
        Each names the file or setting and the remedy; the message lists them all.
    """

    def __init__(self, *problems: str):
        self.problems = problems
        super().__init__("\n".join(problems))


class SettingError(InputError):
    """A setting that does not fit the files or another setting.

    Parameters
    ----------
    setting : str
        Its name in the library's settings.
    problem : str
        What is wrong, and the remedy.
    """

    def __init__(self, setting: str, problem: str):
        self.setting, self.problem = setting, problem
        super().__init__(f"{setting}: {problem}")
