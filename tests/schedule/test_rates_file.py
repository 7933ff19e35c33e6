"""Reading rates from a file: what is read, and what is refused without showing what is in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.schedule import read_rates


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("0.1\n0.01\n1e-3\n", (0.1, 0.01, 0.001)),
        ("0.1, 0.01, 1e-3", (0.1, 0.01, 0.001)),
        ("0.1 0.01\t1e-3\n\n", (0.1, 0.01, 0.001)),
        ("learning rate\n# from epoch 3 on\n0.1\n\n0.2", (0.1, 0.2)),
        ("\ufefflr\r\n0.5\r\n", (0.5,)),
        ("0.25", (0.25,)),
        ("nan\n-1", None),
    ],
)
def test_a_text_holds_one_rate_a_line_or_one_line_of_them(text: str, rates: tuple[float, ...], tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    file.write_bytes(text.encode())
    read = read_rates(file)
    assert (read == rates) if rates else (len(read) == 2 and read[1] == -1.0)  # the family judges what is a rate


def test_a_column_of_a_log_is_taken_by_its_heading(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text('step,lr,"a note, quoted"\n0,0.1,"x, y"\n1,0.05,\n')
    assert read_rates(str(file), column="lr") == (0.1, 0.05)
    with pytest.raises(InputError, match=r"Did you mean `lr`\?"):
        read_rates(file, column="lrs")
    with pytest.raises(InputError, match=r"must hold numbers, got .*log\.csv, line 2"):
        read_rates(file, column="a note, quoted")
    with pytest.raises(InputError, match=r"must have one rate a line.*line 2: 4 columns.*column="):
        read_rates(file)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int32, np.float16])
def test_an_array_of_one_dimension_is_read_in_full(kind: type, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([1, 0.5, 0], dtype=kind))
    assert read_rates(tmp_path / "a.npy") == tuple(np.array([1, 0.5, 0], dtype=kind).astype(float).tolist())


ARRAYS = {
    "two dimensions": np.zeros((2, 2)),
    "none": np.float64(0.1),
    "complex": np.array([1j]),
    "text": np.array(["0.1"]),
    "truth": np.array([True]),
    "objects, which would be unpickled": np.array([0.1, None], dtype=object),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS.keys())
def test_an_array_that_is_no_list_of_numbers_is_refused(array: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(InputError, match="must hold one dimension of real numbers"):
        read_rates(tmp_path / "a.npy")


HOSTILE = {
    "no array.npy": b"0.1\n",
    "cut short.npy": b"\x93NUMPY\x01\x00",
    "larger than it is.npy": b"\x93NUMPY\x01\x00v\x00"
    + b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999,), }".ljust(117)
    + b"\n",
    "nothing.csv": b"",
    "comments.csv": b"# none\n\n",
    "words.csv": b"secret\nwords\n",
    "two columns.csv": b"1,2\n3,4\n",
    "ragged.csv": b"1\n2\n3,4\n",
    "bytes.csv": b"\xff\xfe\x00",
    "nulls.csv": b"1\n\x00\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_no_list_of_rates_is_refused_in_one_line_that_shows_none_of_it(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(HOSTILE[name])
    with pytest.raises(InputError) as caught:
        read_rates(tmp_path / name)
    assert str(caught.value).startswith("`read_rates(path=...)` must ")
    assert str(caught.value).isprintable()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("path", [".", "missing.csv", "/dev/zero"])
def test_what_is_no_file_is_refused(path: str) -> None:
    with pytest.raises(InputError, match=r"^`read_rates\(path=...\)` must be a file, got "):
        read_rates(path)
