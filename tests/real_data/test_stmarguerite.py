"""St Marguerite by the default method."""

import pandas as pd

# Less than a third of the default training: what is reached in the end is in docs/accuracy.md.
SHORT = {"steps": 500}


def test_st_marguerite(run_site):
    site = run_site("stmarguerite", cnn=SHORT)
    assert site.totals.loc["MLP", "support"] == 29071185
    assert site.totals.loc["MLP", "weighted_f1"] >= 96.5
    assert site.totals.loc["MLP", "boundary_f1"] > site.totals.loc["CNN", "boundary_f1"]
    # Nothing is labelled as one of the other two classes.
    key = pd.read_csv(site.results / "StMarg/model/StMarg.csv")
    assert key["HierarchClass"].tolist() == [1, 2, 3]
    assert site.peak_memory < 4000
