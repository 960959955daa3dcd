"""Links between the entries of a transaction."""

from gateway.fhir.links import relink

NAMES = {
    "urn:uuid:1": "Binary/b",
    "urn:oid:1.2.3": "Patient/p",
    "https://x.cn/Patient/9": "Patient/n",
}


def test_references_and_uris_and_the_narrative_are_renamed() -> None:
    resource = {
        "resourceType": "DocumentReference",
        "text": {
            "status": "generated",
            "div": "<div><a href=\"urn:uuid:1\">a</a><img src='https://x.cn/Patient/9'/></div>",
        },
        "subject": {"reference": "urn:oid:1.2.3"},
        "content": [{"attachment": {"url": "urn:uuid:1"}}],
        "extension": [{"url": "urn:e", "valueUri": "urn:uuid:1"}],
    }
    linked = relink(resource, NAMES)
    assert linked["subject"] == {"reference": "Patient/p"}
    assert linked["content"][0]["attachment"]["url"] == "Binary/b"
    assert linked["extension"][0] == {"url": "urn:e", "valueUri": "Binary/b"}
    assert linked["text"]["div"] == "<div><a href=\"Binary/b\">a</a><img src='Patient/n'/></div>"
    assert resource["subject"] == {"reference": "urn:oid:1.2.3"}


def test_systems_texts_and_canonicals_stay() -> None:
    resource = {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:oid:1.2.3", "value": "urn:uuid:1"}],
        "meta": {"profile": ["https://x.cn/Patient/9"]},
        "text": {"div": "<div>urn:uuid:1</div>"},
    }
    assert relink(resource, NAMES) is resource
