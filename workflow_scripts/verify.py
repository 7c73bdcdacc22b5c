"""Check that the files of a campaign are as its report was made of them.

    python workflow_scripts/verify.py RESULTS

It is run where Snakemake was run.
"""

import argparse
import json
import sys
from pathlib import Path

from ssc.report.provenance import find_changes


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("results", type=Path, help="folder of results")
    args = parser.parse_args()
    path = args.results / "report/provenance.json"
    if not path.is_file():
        sys.exit(f"ERROR: {path}: not there; run the workflow to its end, which writes it")
    provenance = json.loads(path.read_text("utf-8"))
    changes = find_changes(provenance["files"])
    for line in changes:
        print(line)
    n = len(provenance["files"])
    print(f"{n - len(changes)} of {n} files are as they were when {path} was written")
    sys.exit(1 if changes else 0)


if __name__ == "__main__":
    main()
