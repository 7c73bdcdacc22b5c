"""Lock files against the pins of the conda environments that `make lock` made them from."""

import re

import pytest
import yaml

from run import REPO

ENVIRONMENTS = sorted(path.stem for path in (REPO / "envs").glob("*.yaml"))
PACKAGE = re.compile(r"^([\w.-]+)==(\S+).* \\\n(?: +--hash=sha256:\w{64}.*\n)+( +# via)?", re.M)


def read_lock_file(name):
    """Name, version and, where another package needs it, a comment."""
    return PACKAGE.findall((REPO / f"envs/{name}.txt").read_text())


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_lock_file_belongs_to_its_pins(name):
    environment = yaml.safe_load((REPO / f"envs/{name}.yaml").read_text())
    pins = set(environment["dependencies"][-1]["pip"])
    packages = read_lock_file(name)
    assert pins <= {f"{package}=={version}" for package, version, _ in packages}, "run make lock"
    wanted = {f"{package}=={version}" for package, version, via in packages if not via}
    assert wanted <= pins, "run make lock"


def test_lock_files_agree():
    versions = {}
    for name in ENVIRONMENTS:
        packages = [package[:2] for package in read_lock_file(name)]
        for package in dict(packages):
            found = {version for other, version in packages if other == package}
            assert versions.setdefault(package, found) == found
