import pandas as pd

from ssc.io.tables import read_table


def test_names_stay_text_and_empty_cells_stay_empty(tmp_path):
    path = tmp_path / "compiled.csv"
    written = pd.DataFrame(
        {
            "class": ["NA", "Water"],
            "RiverName": ["0012", "nan"],
            "model": ["12", "None"],
            "number": ["0007", "0010"],
            "design": ["1", "null"],
            "f1_score": [0.5, None],
            "support": [3, 4],
        }
    )
    written.to_csv(path, index=False)
    pd.testing.assert_frame_equal(read_table(path), written, check_dtype=False)
    assert read_table(path)["support"].sum() == 7
