"""The home page and the page of one resource by signed link."""

from flask.testing import FlaskClient

from tests.support.consortium import Browser, Consortium
from tests.support.resources import patient


def page_of(consortium: Consortium, member: str, id_: str) -> tuple[FlaskClient, str]:
    return consortium.app.test_client(), consortium.runtime.access.sign_link(
        1, member, "Patient", id_
    )


def test_a_signed_link_shows_the_resource_without_a_token(
    consortium: Consortium, county: Browser
) -> None:
    named = patient(name=[{"text": "<b>林桂芳</b>"}])
    id_ = county.post("/Patient", named).get_json()["id"]
    client, path = page_of(consortium, "qs-county", id_)
    page = client.get(path)
    assert page.status_code == 200
    assert page.mimetype == "text/html"
    text = page.get_data(as_text=True)
    assert "&lt;b&gt;林桂芳" in text
    assert "<b>" not in text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert client.post(path).status_code == 405


def test_a_link_shows_no_more_than_its_member_may_see(
    consortium: Consortium, county: Browser
) -> None:
    id_ = county.post("/Patient", patient()).get_json()["id"]
    client, path = page_of(consortium, "lj-city", id_)
    page = client.get(path)
    assert page.status_code == 404
    assert "GW-7002" in page.get_data(as_text=True)


def test_a_changed_link_opens_nothing(consortium: Consortium) -> None:
    client, path = page_of(consortium, "qs-county", "x")
    assert client.get(path + "x").status_code == 403
    assert client.get("/view/nothing").status_code == 403


def test_the_home_page_speaks_chinese_or_english(consortium: Consortium) -> None:
    client = consortium.app.test_client()
    assert "医联体 FHIR 网关" in client.get("/").get_data(as_text=True)
    english = client.get("/", headers={"Accept-Language": "en"}).get_data(as_text=True)
    assert "Consortium FHIR gateway" in english
    assert 'lang="en"' in english
