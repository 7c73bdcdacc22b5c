"""A checksum of the code that a script runs.

Snakemake reruns a job when its script changes, but does not look at what that imports.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

# Logging and messages, which no result depends on.
NOT_OF_RESULTS = {"job.py", "errors.py"}


@cache
def digest_code(scripts: Path, script: str) -> str:
    """Checksum of a script and the modules of this folder that it imports, directly or not.

    Comments, docstrings and the layout of the code do not count.

    Parameters
    ----------
    scripts : Path
        The folder.
    script : str
        Name of the script.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    todo = [scripts / script]
    digests: dict[Path, str] = {}
    while todo:
        path = todo.pop()
        digests[path], imports = _read_module(path, scripts)
        todo += [module for module in imports if module not in digests]
    return hashlib.sha256("".join(sorted(digests.values())).encode()).hexdigest()[:16]


@cache
def _read_module(path: Path, scripts: Path) -> tuple[str, list[Path]]:
    """Checksum of a module, and the modules of the folder that it imports itself."""
    tree = ast.parse(path.read_bytes())
    candidates: list[Path] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            candidates += [scripts / alias.name.replace(".", "/") for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            folder = path.parents[node.level - 1] if node.level else scripts
            target = folder / (node.module or "").replace(".", "/")
            # Either a module, or a package with modules of the imported names.
            candidates += [target, *(target / alias.name for alias in node.names)]
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node) is not None
        ):
            del node.body[0]
    modules = [path.with_name(f"{path.name}.py") for path in candidates]
    imports = [m for m in modules if m.is_file() and m.name not in NOT_OF_RESULTS]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), imports
