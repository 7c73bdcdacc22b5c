"""St Marguerite by the published method."""

import pandas as pd

# The steps of the paper, with a CNN that trains in minutes.
PUBLISHED = {
    "cnn": {"architecture": "compact", "match_colours": False},
    "refine": {"cnn_weight": 0, "colour_weight": 1, "max_changed_fraction": 1},
}


def test_st_marguerite_by_the_published_method(run_site):
    site = run_site("stmarguerite", **PUBLISHED)
    assert site.totals.loc["MLP", "weighted_f1"] >= 97
    assert site.totals.loc["MLP", "weighted_f1"] >= site.totals.loc["CNN", "weighted_f1"]
    preflight = pd.read_csv(site.results / "preflight.csv")
    pure = preflight[[f"pure_tiles_{code}" for code in range(1, 6)]].sum()
    assert pure.tolist() == [3698, 263, 3784, 0, 0]
    assert site.peak_memory < 3000
