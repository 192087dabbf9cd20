"""No key of ours stays in what others say, in whichever form they say it back."""

from __future__ import annotations

import pytest

from domain.secret_words import STRUCK, SecretWords, of_header, of_path

KEY = "3f1c9a52-AAAA-bbbb-cccc-0123456789ab"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"https://rpc.example/?api-key={KEY}", [KEY, KEY.upper()]),
        (f"https://rpc.example/?net=main&{KEY}", [KEY, "main"]),
        (f"https://rpc.example/v2/{KEY}/sol", [KEY]),
        (f"https://someone:{KEY}@rpc.example:8899/", [KEY, "someone"]),
        ("https://rpc.example/?token=a%2Fb%2Bc%3D", ["a/b+c=", "a%2Fb%2Bc%3D", "a%2fb%2bc%3d", "a\\/b+c="]),
    ],
)
def test_what_may_be_secret_in_an_address_is_struck_in_every_form(url: str, words: list[str]) -> None:
    secrets = SecretWords(urls=[url])
    for word in words:
        assert secrets.struck(f"no access with {word}, sorry") == f"no access with {STRUCK}, sorry"


def test_what_is_none_stays() -> None:
    secrets = SecretWords(["abc", ""], urls=["https://rpc.example:8899/api/v1/transactions?a=1", "http://127.0.0.1"])
    said = "rpc.example: api v1 transactions abc 1"
    assert secrets.struck(said) == said
    assert SecretWords().struck(said) == said


@pytest.mark.parametrize("length", [5, 20, len(KEY) - 1])
def test_one_that_was_cut_at_the_end_is_struck_too(length: int) -> None:
    assert SecretWords([KEY]).struck(f"Invalid API key: {KEY[:length]}") == f"Invalid API key: {STRUCK}"


def test_of_a_header_its_scheme_stays() -> None:
    secrets = SecretWords(of_header(f"Bearer {KEY}"))
    assert secrets.struck(f"{KEY} and Bearer {KEY}: a Bearer is asked for") == (
        f"{STRUCK} and {STRUCK}: a Bearer is asked for"
    )


def test_of_a_path_that_anybody_chose_each_part_is_struck_however_short():
    secrets = SecretWords(of_path("http://127.0.0.1:7000/hunter2/a%2Bbc/sign"))
    assert secrets.struck("no /hunter2/sign, nor a+bc: the signer signs nothing") == (
        f"no /{STRUCK}/sign, nor {STRUCK}: the signer signs nothing"
    )


def test_of_two_the_one_that_holds_the_other_is_struck_whole() -> None:
    assert SecretWords(["secret-one", "secret-one-more"]).struck("secret-one-more") == STRUCK
