import pandas as pd

from ssc.evaluation.latex import write_latex_experiments

COLUMNS = ["design", "in_sample", "seed", "rivers", "images", "F1", "ML", "MLP"]


def lines(path, rows):
    write_latex_experiments(path, pd.DataFrame(rows, columns=COLUMNS))
    return path.read_text().splitlines()


def test_experiments_of_one_seed_are_one_row_each(tmp_path):
    rows = [("per_river", True, 42, 2, 9, "weighted", 90.16, 95.0)]
    rows += [("my_rivers & co", False, 42, 2, 9, "median of rivers", None, 80.0)]
    table = lines(tmp_path / "table.tex", rows)
    header, rule, *body = table[table.index(r"\toprule") + 1 :]
    assert header == r"experiment & in sample & rivers & images & F1 & ML & MLP \\"
    assert rule == r"\midrule"
    assert body[:3] == [
        r"one CNN for each river & yes & 2 & 9 & weighted & 90.2 & 95.0 \\",
        r"my\_rivers \& co & no & 2 & 9 & median of rivers & -- & 80.0 \\",
        r"\bottomrule",
    ]
    assert r"\caption{F1 in percent}" in table


def test_experiments_of_several_seeds_have_mean_and_deviation(tmp_path):
    rows = [
        ("per_river", True, seed, 2, 9, "weighted", 90.0, mlp)
        for seed, mlp in ((1, 95.0), (2, 90.0), (3, 85.0))
    ]
    table = lines(tmp_path / "table.tex", rows)
    row = r"one CNN for each river & yes & 2 & 9 & weighted & 90.0 $\pm$ 0.0 & 90.0 $\pm$ 5.0 \\"
    assert row in table
    assert r"\caption{F1 in percent, mean and standard deviation of 3 seeds}" in table
