"""Sealing what must be used again."""

import pytest

from rest.problems import Refused
from rest.secrets import is_current, seal, unseal


def test_what_is_sealed_comes_back_and_does_not_show():
    sealed = seal("pässword ✓")
    assert "ssword" not in sealed
    assert unseal(sealed) == "pässword ✓"


def test_the_same_text_seals_differently_every_time():
    assert seal("x") != seal("x")


def test_after_the_key_is_replaced_the_old_one_still_opens_and_says_so(settings):
    sealed = seal("secret")
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another key, just as long as the one before"
    with pytest.raises(Refused, match="ATRIUM_SECRET_KEY_FALLBACKS"):
        unseal(sealed)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert unseal(sealed) == "secret"
    assert not is_current(sealed)
    assert is_current(seal("secret"))


@pytest.mark.parametrize("change", ["flip", "cut", "scheme", "empty", "garbage"])
def test_a_changed_seal_is_refused(change):
    sealed = seal("secret")
    last = "A" if sealed[-5] != "A" else "B"
    changed = {
        "flip": sealed[:-5] + last + sealed[-4:], "cut": sealed[:-8], "scheme": "b" + sealed[1:], "empty": "",
        "garbage": "a1.00000000.!!!",
    }[change]  # fmt: skip
    with pytest.raises(Refused):
        unseal(changed)
