"""Columns of Parquet, Arrow and Feather files, tensors of .pt files: what is read, what is refused."""

from __future__ import annotations

import sys

import pytest
import torch

from symgd import LoweringError, ValueGivenError, descend, formula
from symgd.descent import columns

LOSS = formula("mean((w*x - y)^2)", given="x[n], y[n]")
ROWS = {"x": [1.0, 2.0, 3.0], "y": [2, 4, 6], "note": ["a", "b", "c"]}


def written(path, rows=ROWS):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import feather, parquet

    table = pa.table(rows)
    if path.suffix == ".parquet":
        parquet.write_table(table, path, row_group_size=2)
    else:
        feather.write_feather(table, path)
    return path


@pytest.mark.parametrize("kind", ["parquet", "arrow", "feather"])
def test_columns_by_name(tmp_path, kind):
    path = written(tmp_path / f"hours.{kind}")
    assert descend(LOSS, start={"w": 1.0}, data=path).parameters["w"] == pytest.approx(2.0)
    gaps = written(tmp_path / f"gaps.{kind}", {"x": [1.0, None, 3.0], "y": [2, 4, 6]})
    assert descend(LOSS, start={"w": 1.0}, data=gaps, missing="drop").parameters["w"] == pytest.approx(2.0)
    broken = tmp_path / f"broken.{kind}"
    broken.write_bytes(b"no table")
    for other, text in (
        (written(tmp_path / f"a.{kind}", {"x": [1.0]}), "a.KIND has no column y.\nIts columns are x."),
        (
            written(tmp_path / f"b.{kind}", {"x": [1.0], "y": ["a"]}),
            "b.KIND: the column y holds string, not numbers.\nConvert it to numbers.",
        ),
        (gaps, 'gaps.KIND, row 2, column x: the entry is missing.\nFill it in, or write missing="drop".'),
    ):
        with pytest.raises(ValueGivenError) as error:
            descend(LOSS, start={"w": 1.0}, data=other)
        assert str(error.value) == f"{tmp_path}/{text.replace('KIND', kind)}"
    with pytest.raises(ValueGivenError, match=f"is no .{kind} file that can be read: "):
        descend(LOSS, start={"w": 1.0}, data=broken)
    with pytest.raises(ValueGivenError, match="no such file"):
        descend(LOSS, start={"w": 1.0}, data=tmp_path / f"none.{kind}")


def test_a_large_file_comes_in_blocks(tmp_path, monkeypatch):
    x = [k / 10 for k in range(23)]
    path = written(tmp_path / "hours.parquet", {"x": x, "y": [2 * one + 1 for one in x]})
    f = formula("mean(log(cosh(w*x + b - y)))", given="x[n], y[n]")
    whole = descend(f, start={"w": 1.0, "b": 0.0}, data=path)
    monkeypatch.setattr(columns, "AT_ONCE", 100)
    monkeypatch.setattr(columns, "_BLOCK", 5)
    found = descend(f, start={"w": 1.0, "b": 0.0}, data=path)
    assert found.source.blocked is not None
    assert found.parameters["w"] == pytest.approx(whole.parameters["w"], rel=1e-6)
    with pytest.raises(ValueGivenError) as error:
        descend("mean((w*x - z)^2)", start={"w": 1.0}, data=path)
    assert str(error.value) == f"{path} has no column z.\nIts columns are x, y."


def test_pyarrow_is_named_where_it_is_missing(tmp_path, monkeypatch):
    for name in ("pyarrow", "pyarrow.parquet", "pyarrow.feather"):
        monkeypatch.setitem(sys.modules, name, None)
    for kind in ("parquet", "feather"):
        path = tmp_path / f"hours.{kind}"
        path.write_bytes(b"")
        with pytest.raises(LoweringError) as error:
            descend(LOSS, start={"w": 1.0}, data=path)
        assert str(error.value) == "Parquet, Arrow and Feather files need pyarrow, which is not installed.\npip install pyarrow"


class Own:
    """An object that a .pt file may not hold."""


def test_tensors_of_weights_only(tmp_path):
    path = tmp_path / "hours.pt"
    torch.save({"x": torch.tensor([1.0, 2.0]), "y": torch.tensor([2.0, 4.0]), "note": 3}, path)
    assert descend(LOSS, start={"w": 1.0}, data=path).parameters["w"] == pytest.approx(2.0)
    for content, text in (
        ([1], f'{str(path)!r} holds no mapping from names to tensors.\nWrite torch.save({{"x": x}}, path).'),
        ({"x": 1.0, "y": 2.0}, f'{path}: x is no tensor.\nWrite torch.save({{"x": x}}, path).'),
    ):
        torch.save(content, path)
        with pytest.raises(ValueGivenError) as error:
            descend(LOSS, start={"w": 1.0}, data=path)
        assert str(error.value) == text
    torch.save({"x": sys.exit, "y": Own}, path)
    with pytest.raises(ValueGivenError) as error:
        descend(LOSS, start={"w": 1.0}, data=path)
    assert str(error.value).endswith(
        "holds more than tensors, or is broken (UnpicklingError): it is not loaded.\n"
        "Save a mapping from names to tensors, or a .safetensors file."
    )
