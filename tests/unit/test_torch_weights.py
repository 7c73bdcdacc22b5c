import os
import pickle
from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssc.cnn.efficientnet_lite import weights_file
from ssc.cnn.torch_weights import MAGIC, PROTOCOL, read_tensors


def test_tensors_of_the_installed_weights():
    tensors = read_tensors(weights_file("efficientnet_lite0"))
    assert len(tensors) == 296
    assert tensors["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert tensors["_fc.weight"].shape == (1000, 1280)
    # They lie in the file with the channels last; no variance is below 0.
    assert tensors["_conv_stem.weight"].strides == (4, 128, 1152, 384)
    variances = [t for name, t in tensors.items() if name.endswith("running_var")]
    assert len(variances) == 49
    assert min(t.min() for t in variances) >= 0


class Command:
    def __reduce__(self):
        return os.system, ("touch stolen",)


def test_code_in_a_file_does_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parts = [MAGIC, PROTOCOL, {}, OrderedDict(weight=Command()), []]
    path = tmp_path / "weights.pth"
    path.write_bytes(b"".join(map(pickle.dumps, parts)))
    with pytest.raises(ValueError, match=r"weights.pth: .*system is not part of weights"):
        read_tensors(path)
    assert not (tmp_path / "stolen").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", pickle.dumps(1) * 5])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="weights.pth"):
        read_tensors(path)


@given(share=st.floats(0, 0.999))
def test_a_file_cut_short_is_refused(tmp_path_factory, share):
    content = weights_file("efficientnet_lite0").read_bytes()
    path = tmp_path_factory.getbasetemp() / "cut.pth"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="cut.pth"):
        read_tensors(path)
