import pytest

from ssc.cnn.class_key import class_key, key_outputs, key_rivers, read_class_key
from ssc.errors import InputError
from ssc.io.tables import read_table


def test_shared_classes_have_the_columns_and_indices_of_the_published_code(classes):
    assert class_key(classes, ["Ure", "Wye"], local=False).to_csv(index=False).splitlines() == [
        "LocalClass,HierarchClass,River,ClassName",
        "1,1,Ure; Wye,Water",
        "2,2,Ure; Wye,Sediment",
        "3,4,Ure; Wye,Road",
    ]


def test_local_classes_number_the_classes_of_one_river_after_those_of_the_other(classes):
    assert class_key(classes, ["Ure", "Wye"], local=True).to_csv(index=False).splitlines() == [
        "LocalClass,HierarchClass,River,ClassName",
        "1,1,Ure,Water",
        "2,2,Ure,Sediment",
        "3,4,Ure,Road",
        "4,1,Wye,Water",
        "5,2,Wye,Sediment",
        "6,4,Wye,Road",
    ]


@pytest.mark.parametrize(
    ("local", "expected"), [(False, [[1, 3], [1, 3]]), (True, [[1, 3], [4, 6]])]
)
def test_right_output_of_each_river_and_class(classes, local, expected):
    # One river's name is part of the other's.
    rivers = ["Dee", "Dee Mawr"]
    outputs = key_outputs(class_key(classes, rivers, local), rivers)
    assert outputs.shape == (2, 256)
    assert outputs[:, [1, 4]].tolist() == expected
    assert not outputs[:, [0, 3, 5]].any()


@pytest.mark.parametrize("local", [False, True])
def test_key_names_the_rivers_learned_from_also_when_read_back(tmp_path, classes, local):
    file = tmp_path / "key.csv"
    rivers = {"Ure", "Río Verde", "0012", "NA"}
    class_key(classes, sorted(rivers), local).to_csv(file, index=False)
    assert key_rivers(read_class_key(file, classes, n_outputs=13 if local else 4)) == rivers
    assert key_rivers(read_table(file)) == rivers


def test_key_without_rivers_names_none(tmp_path, classes):
    file = tmp_path / "key.csv"
    file.write_text("LocalClass,HierarchClass\n1,1\n")
    read_class_key(file, classes, n_outputs=2).to_csv(tmp_path / "converted.csv", index=False)
    assert key_rivers(read_table(tmp_path / "converted.csv")) == set()


def test_key_of_the_published_code_is_read(tmp_path, classes):
    # Written with its index, a row for the unused output and decimals.
    file = tmp_path / "key.csv"
    file.write_text(
        ",LocalClass,HierarchClass,River,ClassName\n"
        "0,0.0,0.0,,\n"
        "1,1.0,1.0,Ure,water\n"
        "2,2.0,4.0,Ure,Road\n"
        "3,3.0,1.0,Wye,water\n"
        "4,4.0,4.0,Wye,Road\n"
    )
    key = read_class_key(file, classes, n_outputs=5)
    assert key.to_csv().splitlines() == [
        ",LocalClass,HierarchClass,River,ClassName",
        "0,1,1,Ure,water",
        "1,2,4,Ure,Road",
        "2,3,1,Wye,water",
        "3,4,4,Wye,Road",
    ]
    assert key_rivers(key) == {"Ure", "Wye"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; copy it anew"),
        ("LocalClass,River\n1,Ure\n", "needs the column.s. HierarchClass"),
        ("LocalClass,HierarchClass\n1,1\n1,2\n", "each of the outputs 1 to 2 .* but names 1, 1"),
        ("LocalClass,HierarchClass\n1,1\n", "each of the outputs 1 to 2 .* but names 1$"),
        ("LocalClass,HierarchClass\n1,1\n2,9\n", "9 not among the classes 1, 2, 4; add"),
        ("LocalClass,HierarchClass\n1,1\n2,water\n", "HierarchClass holds values that are not"),
    ],
)
def test_key_that_does_not_go_with_the_cnn_or_the_classes_is_refused(
    tmp_path, classes, text, message
):
    file = tmp_path / "key.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=f"key.csv: .*{message}"):
        read_class_key(file, classes, n_outputs=3)
