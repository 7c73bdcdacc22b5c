"""What the user can correct."""

import re

# In lines of TensorFlow's start that every job with Keras logs, and that concern no user.
NOISE = re.compile("absl::InitializeLog|^I0000 |cuInit")


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
