"""The key ring: where it comes from, versions, and what tenants have of it."""

import pytest

from guardhouse.errors import ConfigurationError
from guardhouse.redaction.keys import KeyRing, load_key_ring

A, B, C = ("aa" * 32, "bb" * 32, "cc" * 32)


def test_the_key_file_is_made_once_and_private(tmp_path):
    folder = tmp_path / "data"
    ring = load_key_ring(folder)
    assert load_key_ring(folder).current_for("x").derive("fpe") == ring.current_for("x").derive("fpe")
    assert ring.versions == (1,)
    assert (folder / "redaction.key").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in folder.iterdir()] == ["redaction.key"]


def test_a_line_more_is_a_new_version_and_the_old_one_stays(tmp_path):
    before = load_key_ring(tmp_path)
    with (tmp_path / "redaction.key").open("a") as file:
        file.write(B + "\n")
    after = load_key_ring(tmp_path)
    assert (after.versions, after.current) == ((1, 2), 2)
    assert after.tenant("x", version=1).key_id == before.current_for("x").key_id


@pytest.mark.parametrize(
    ("text", "versions"),
    [
        (A, (1,)),
        (f"{A},{B}", (1, 2)),
        (f"# old\n{A}\n\n{B} # new\n", (1, 2)),
        (f"3:{A},{B}", (3, 4)),
        (f"7={A.upper()}\n2={B}", (2, 7)),
    ],
)
def test_rings_are_read(text, versions):
    assert KeyRing.parse(text).versions == versions


@pytest.mark.parametrize("text", ["", "# nothing", "00", A[:-2], f"1:{A},1:{B}", f"0:{A}", f"x:{A}", A + B])
def test_wrong_rings_are_refused_without_repeating_them(text):
    with pytest.raises(ConfigurationError) as refused:
        KeyRing.parse(text)
    assert A[:16] not in str(refused.value)
    assert "aa" * 8 not in repr(KeyRing.parse(A))


def test_purposes_tenants_and_keys_have_nothing_in_common():
    rings = [KeyRing.parse(text) for text in (A, B)]
    keys = {ring.current_for(tenant).derive(use) for ring in rings for tenant in ("", "s") for use in ("fpe", "mac")}
    assert len(keys) == 8
    assert rings[0].tenant("", version=9) is None
