"""GET /openapi.json names every address that is routed, and no other."""

import re

from tests.support.consortium import Consortium


def test_the_document_names_every_address_and_method(consortium: Consortium) -> None:
    told = consortium.app.test_client().get("/openapi.json").get_json()
    assert told["openapi"] == "3.0.3"
    named = {(path, method.upper()) for path, of in told["paths"].items() for method in of}
    routed = {
        (re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in consortium.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert named == routed
    assert {"/intake/{channel}", "/oauth/token", "/healthz", "/fhir/{type_}"} <= set(told["paths"])


def test_an_address_says_truly_whether_it_needs_a_token(consortium: Consortium) -> None:
    client = consortium.app.test_client()
    for path, of in client.get("/openapi.json").get_json()["paths"].items():
        for method, operation in of.items():
            answer = client.open(re.sub(r"\{\w+\}", "x", path), method=method.upper())
            is_asking = answer.headers.get("WWW-Authenticate", "").startswith("Bearer")
            assert is_asking is bool(operation["security"]), (method, path)
