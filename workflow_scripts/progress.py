"""How far a run is, and how long it will still take."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

# Seconds of a unit of a rule that has no finished job and no better guess.
USUAL_SECONDS = 2.0


class Progress:
    """Work done and left, in seconds of one job: what the jobs of each rule took so far tells.

    Parameters
    ----------
    planned : iterable of (str, int)
        Rule and units, such as images, of each job to do.
    expected : mapping of str to float
        Seconds of a unit by rule, until a job of the rule has finished.
    """

    def __init__(self, planned: Iterable[tuple[str, int]], expected: Mapping[str, float]):
        self.left: Counter[str] = Counter()
        for rule, units in planned:
            self.left[rule] += units
        self.expected = expected
        self.done: Counter[str] = Counter()
        self.spent: defaultdict[str, float] = defaultdict(float)

    def finish(self, rule: str, units: int, seconds: float) -> None:
        """Count a job that took so many seconds as done."""
        self.left[rule] -= units
        self.done[rule] += units
        self.spent[rule] += seconds

    @property
    def work_left(self) -> float:
        """Seconds that one job after another would take."""
        return sum(units * self._seconds(rule) for rule, units in self.left.items())

    @property
    def share(self) -> float:
        """Share of all work that is done, from 0 to 1."""
        spent = sum(self.spent.values())
        return spent / max(spent + self.work_left, 1e-9)

    def seconds_left(self, elapsed: float) -> float:
        """Seconds until the end if as many jobs run beside each other as in `elapsed` seconds."""
        return self.work_left * elapsed / max(sum(self.spent.values()), 1e-9)

    def _seconds(self, rule: str) -> float:
        if self.done[rule]:
            return self.spent[rule] / self.done[rule]
        return self.expected.get(rule, USUAL_SECONDS)


def training_seconds(steps: float, batch_size: float, patch_size: float) -> float:
    """What one core takes to start and to train a U-Net (docs/performance.md)."""
    return 20 + steps * batch_size / 8 * (patch_size / 256) ** 2
