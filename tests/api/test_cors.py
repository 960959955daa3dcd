"""Browser apps of the origins that the site lets in."""

from dataclasses import replace

import pytest

from tests.support.consortium import Browser, Consortium

ORIGIN = "https://app.example.org"


@pytest.fixture
def open_site(consortium: Consortium) -> Browser:
    settings = replace(
        consortium.runtime.settings, cors_origins=f"https://other.example.org, {ORIGIN}"
    )
    return Consortium(replace(consortium.runtime, settings=settings)).client("qs-county")


def preflight(browser: Browser, origin: str, path: str = "/Patient") -> dict[str, str]:
    answer = browser.app.test_client().options(
        f"/fhir{path}",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "authorization,if-match",
        },
    )
    return dict(answer.headers)


def test_a_preflight_of_a_listed_origin_is_answered_without_a_token(open_site: Browser) -> None:
    for path in ("/Patient", "/Patient/1/_history/1", "/", "/metadata"):
        headers = preflight(open_site, ORIGIN, path)
        assert headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "PUT" in headers["Access-Control-Allow-Methods"]
        assert "If-Match" in headers["Access-Control-Allow-Headers"]
        assert "Origin" in headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in headers


def test_answers_and_refusals_may_be_read_by_a_listed_origin(open_site: Browser) -> None:
    for path, status in (
        ("/Patient", 200),
        ("/Patient/nobody", 404),
        ("/nothing/at/all/here", 404),
    ):
        answer = open_site.get(path, Origin=ORIGIN)
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "ETag" in answer.headers["Access-Control-Expose-Headers"]


def test_other_origins_are_not_let_in(open_site: Browser) -> None:
    for origin in ("https://evil.example.org", f"{ORIGIN}.evil.org", "null"):
        assert "Access-Control-Allow-Origin" not in preflight(open_site, origin)
        assert "Access-Control-Allow-Origin" not in open_site.get("/Patient", Origin=origin).headers


def test_without_the_setting_no_origin_is_let_in(county: Browser) -> None:
    assert "Access-Control-Allow-Origin" not in preflight(county, ORIGIN)
    assert "Access-Control-Allow-Origin" not in county.get("/Patient", Origin=ORIGIN).headers


def test_a_star_lets_every_origin_in(consortium: Consortium) -> None:
    settings = replace(consortium.runtime.settings, cors_origins="*")
    site = Consortium(replace(consortium.runtime, settings=settings)).client("qs-county")
    assert preflight(site, ORIGIN)["Access-Control-Allow-Origin"] == "*"
    assert site.get("/Patient", Origin=ORIGIN).headers["Access-Control-Allow-Origin"] == "*"
