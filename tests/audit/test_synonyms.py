from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor.audit.synonyms import read_synonyms
from compressor.errors import DataError


def written(folder: Path, content: str, name: str = "synonyms.tsv") -> Path:
    file = folder / name
    file.write_text(content, encoding="utf-8")
    return file


def test_a_word_may_have_several_lines_and_several_synonyms_a_line(tmp_path: Path) -> None:
    file = written(tmp_path, "Gripping\triveting\tabsorbing\n\nfilm\tmoving picture\ngripping\triveting\ttaut\n")
    assert read_synonyms(file) == {"gripping": ("riveting", "absorbing", "taut"), "film": ("moving picture",)}


def test_commas_and_quotes_of_a_csv_are_read(tmp_path: Path) -> None:
    assert read_synonyms(written(tmp_path, '\ufefffilm,"movie"\n', "words.csv")) == {"film": ("movie",)}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "no synonyms"),
        ("film\tFilm\n", "no synonyms"),
        ("film\tmovie\nplot\n", "line 2"),
        ("film\t\n", "line 1"),
        ("\tmovie\n", "line 1"),
        ("motion picture\tfilm\n", "one word"),
    ],
)
def test_a_file_that_says_nothing_is_refused_with_the_line(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_synonyms(written(tmp_path, content))


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "latin.tsv").write_bytes(b"caf\xe9\tbar\n")
    for name in ("latin.tsv", "missing.tsv", "words.txt"):
        with pytest.raises(DataError, match=name):
            read_synonyms(tmp_path / name)


@given(content=st.text(max_size=60))
def test_any_content_gives_synonyms_or_an_error_of_ours(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    file = tmp_path_factory.mktemp("any") / "words.tsv"
    file.write_bytes(content.encode("utf-8", "surrogatepass"))
    try:
        found = read_synonyms(file)
    except DataError:
        return
    assert all(word == word.lower() and others and word not in others for word, others in found.items())
