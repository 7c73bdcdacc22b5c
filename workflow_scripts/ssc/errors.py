"""What the user can mend."""


class InputError(Exception):
    """One or more faults of the user's files or settings.

    Each problem names the file or key and the remedy; the message lists them all.
    """

    def __init__(self, *problems: str):
        self.problems = problems
        super().__init__("\n".join(problems))
