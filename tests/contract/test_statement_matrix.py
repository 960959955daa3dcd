"""Everything that the CapabilityStatement claims is asked for: types, interactions, parameters.

The resources are HL7's examples, chosen so that every search parameter has a value; where none has
one, it is made from the definitions. What to search for is read out of them beside our own index.
"""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from gateway.fhir import codec
from gateway.fhir.definitions import load
from gateway.records import Resource
from tests.support.asserts import outcome
from tests.support.consortium import Browser, Consortium
from tests.support.filling import filled, minimal
from tests.support.search_modifiers import fulfilled, identified, unfulfilled, written
from tests.support.search_values import values_of
from tests.unit.fhir.examples import FOLDER, needs_examples

pytestmark = needs_examples
_LARGEST, _MOST, _BATCH = 60_000, 40, 100
SENT = {"Content-Type": "application/fhir+json"}
LABEL = {"system": "urn:matrix", "code": "labelled"}
Row = tuple[str, str, str, str, Resource]
"""Type, search parameter, a value of it, the id of what has it, and its content."""

ELSEWHERE = {
    # What is searched for has to be resolved or measured; each has its own tests.
    ("Location", "near"),
    ("MolecularSequence", "chromosome-variant-coordinate"),
    ("StructureDefinition", "valueset"),
    *((type_, "name-pinyin") for type_ in ("Patient", "Person", "Practitioner", "RelatedPerson")),
}
"""Parameters whose values no example and no definition gives."""


@pytest.fixture(scope="module")
def browser(consortium: Consortium) -> Browser:
    return consortium.client("qs-county")


@pytest.fixture(scope="module")
def claimed(browser: Browser) -> dict[str, dict[str, Any]]:
    """What is claimed of each type."""
    [rest] = browser.get("/metadata").get_json()["rest"]
    return {one["type"]: one for one in rest["resource"]}


def examples(type_: str, consortium: Consortium) -> Iterator[Resource]:
    """Give the smaller valid examples of a type, the smallest first, without their narrative.

    HL7's own break rules of R4 here and there; a type that has no other gets a minimal one.
    """
    is_empty = True
    paths = [path for path in FOLDER.glob(f"{type_}-*.json") if path.stat().st_size < _LARGEST]
    for path in sorted(paths, key=lambda path: (path.stat().st_size, path.name))[:_MOST]:
        resource = codec.decode(path.read_bytes())
        resource.pop("text", None)
        identified(resource)
        found = consortium.runtime.validator.check(resource)
        if not any(one.severity in {"error", "fatal"} for one in found):
            is_empty = False
            yield resource
    if is_empty:
        yield minimal(type_)


def chosen(type_: str, consortium: Consortium) -> list[tuple[Resource, dict[str, str]]]:
    """Give resources and the values of the parameters that each is the first to have."""
    known = load().search_parameters[type_]
    missing = {code: one for code, one in known.items() if not code.startswith("_")}
    found: list[tuple[Resource, dict[str, str]]] = []
    for resource in examples(type_, consortium):
        values = {code: values_of(one, resource, known) for code, one in missing.items()}
        firsts = {code: some[0] for code, some in values.items() if some}
        if firsts or not found:
            found.append((resource, firsts))
            missing = {code: one for code, one in missing.items() if code not in firsts}
    plain = next((one for one, _ in found if "contained" not in one), minimal(type_))
    for code, parameter in missing.items():
        made = filled(plain, parameter)
        is_elsewhere = (type_, code) in ELSEWHERE
        if made and not is_elsewhere and (some := values_of(parameter, made, known)):
            found.append((identified(made), {code: some[0]}))
    return found


def asked(browser: Browser, entries: list[Resource]) -> Iterator[Any]:
    """Send entries as batches; give the answers in their order."""
    for start in range(0, len(entries), _BATCH):
        part = {"resourceType": "Bundle", "type": "batch", "entry": entries[start : start + _BATCH]}
        answer = browser.ask("POST", "/", data=codec.encode(part), headers=SENT)
        assert answer.status_code == 200, answer.get_data(as_text=True)[:2000]
        yield from codec.decode(answer.get_data())["entry"]


def searched(browser: Browser, queries: list[str]) -> Iterator[tuple[str, int | str]]:
    """Search; give each query with the number of its matches, or its refusal."""
    entries = [{"request": {"method": "GET", "url": query}} for query in queries]
    for query, answer in zip(queries, asked(browser, entries), strict=True):
        if answer["response"]["status"].startswith("200"):
            yield query, len(answer["resource"].get("entry", ()))
        else:
            yield query, str(answer["response"]["outcome"]["issue"])


@pytest.fixture(scope="module")
def stored(browser: Browser, consortium: Consortium) -> list[Row]:
    """Store the chosen resources; give what of each can be searched for."""
    waiting = [
        (type_, resource, values)
        for type_ in sorted(load().resource_types)
        for resource, values in chosen(type_, consortium)
    ]
    entries = [
        {"resource": resource, "request": {"method": "POST", "url": type_}}
        for type_, resource, _ in waiting
    ]
    found = []
    for (type_, _, values), entry in zip(waiting, asked(browser, entries), strict=True):
        assert entry["response"]["status"].startswith("201"), (type_, values, str(entry))
        id_ = entry["resource"]["id"]
        content = entry["resource"]
        rows = [(type_, code, value, id_, content) for code, value in values.items()]
        found += [row for row in rows if row[:2] not in ELSEWHERE]
    return found


def test_every_search_parameter_that_is_claimed_finds_what_has_its_value(
    browser: Browser, claimed: dict[str, Any], stored: list[Row]
) -> None:
    parameters = {
        (type_, one["name"]) for type_, of in claimed.items() for one in of["searchParam"]
    }
    own = {pair for pair in parameters if not pair[1].startswith("_")}
    assert own - {row[:2] for row in stored} - ELSEWHERE == set()
    known = load().search_parameters
    queries = [
        f"{type_}?_id={id_}&{code}={quote(value)}&{code}:missing=false"
        + (f"&{code}:exact={quote(value)}" if known[type_][code].kind == "string" else "")
        for type_, code, value, id_, _ in stored
    ]
    wrong = {query: found for query, found in searched(browser, queries) if found != 1}
    assert wrong == {}


def test_every_search_parameter_leaves_out_what_has_not_its_value(
    browser: Browser, stored: list[Row]
) -> None:
    queries = [f"{type_}?_id={id_}&{code}:missing=true" for type_, code, _, id_, _ in stored]
    known = load().search_parameters
    queries += [
        f"{type_}?_id={id_}&{code}:not={quote(value)}"
        for type_, code, value, id_, _ in stored
        if known[type_][code].kind == "token"
    ]
    wrong = {query: found for query, found in searched(browser, queries) if found != 0}
    assert wrong == {}


MODIFIED = {
    "string": {"contains": "{part}"},
    "uri": {"below": "{value}", "above": "{value}"},
}
"""Modifiers by kind of parameter under which a value finds its resource again."""
FOREIGN = {
    "string": "below", "uri": "exact", "token": "contains", "reference": "exact",
    "date": "exact", "number": "not", "quantity": "text", "composite": "exact",
}  # fmt: skip


def test_every_search_parameter_takes_the_modifiers_of_its_kind_and_no_others(
    browser: Browser, stored: list[Row]
) -> None:
    known = load().search_parameters
    queries = [
        f"{type_}?_id={id_}&{code}:{modifier}={quote(form.format(value=value, part=value[:40]))}"
        for type_, code, value, id_, _ in stored
        for modifier, form in MODIFIED.get(known[type_][code].kind, {}).items()
    ]
    wrong = {query: found for query, found in searched(browser, queries) if found != 1}
    assert wrong == {}
    foreign = [f"{type_}?{code}:{FOREIGN[known[type_][code].kind]}=x" for type_, code, *_ in stored]
    taken = {query for query, found in searched(browser, foreign) if "GW-7103" not in str(found)}
    assert taken == set()


def test_every_token_and_reference_is_found_under_its_modifiers_and_by_no_other_value(
    browser: Browser, consortium: Consortium, stored: list[Row]
) -> None:
    known, sets = load().search_parameters, consortium.runtime.store.code_sets
    assert sets is not None
    holding, others, exercised, plain = list[str](), list[str](), set[str](), set[str]()
    for type_, code, value, id_, content in stored:
        conditions = fulfilled(known[type_][code], content, sets)
        exercised |= {"[type]" if one[0].isupper() else one for one in conditions}
        here = f"{type_}?_id={id_}"
        holding += [f"{here}{written(code, conditions)}"] if conditions else []
        others += [f"{here}{written(code, {one: text})}" for one, text in unfulfilled(conditions)]
        if known[type_][code].kind == "reference" and not conditions:
            plain.add(value.partition(":")[0])
    wrong = {query: found for query, found in searched(browser, holding) if found != 1}
    wrong |= {query: found for query, found in searched(browser, others) if found != 0}
    assert wrong == {}
    assert exercised == {"text", "in", "above", "below", "of-type", "identifier", "[type]"}
    # What else a reference holds is a canonical address, which has no type.
    assert plain <= {"http", "https", "urn"}


@pytest.fixture(scope="module")
def labelled(browser: Browser, consortium: Consortium) -> dict[str, Resource]:
    """One resource of each type with all labels of its meta, as it was stored."""
    meta = {"tag": [LABEL], "security": [LABEL], "source": "urn:matrix"}
    types = sorted(load().resource_types)
    entries = []
    for type_ in types:
        resource = next(examples(type_, consortium))
        profile = [f"http://hl7.org/fhir/StructureDefinition/{type_}"]
        entries.append(
            {
                "resource": resource | {"meta": meta | {"profile": profile}},
                "request": {"method": "POST", "url": type_},
            }
        )
    return {
        type_: one["resource"] for type_, one in zip(types, asked(browser, entries), strict=True)
    }


def test_every_type_is_found_by_what_all_types_share(
    browser: Browser, claimed: dict[str, Any], labelled: dict[str, Resource]
) -> None:
    label = quote(f"{LABEL['system']}|{LABEL['code']}")
    values = {
        "_lastUpdated": "ge2020-01-01", "_tag": label, "_security": label, "_source": "urn:matrix",
    }  # fmt: skip
    queries = []
    for type_, resource in labelled.items():
        names = {one["name"] for one in claimed[type_]["searchParam"]}
        shared = {name for name in names if name.startswith("_")} - {"_text", "_content"}
        mine = values | {
            "_id": resource["id"],
            "_profile": f"http://hl7.org/fhir/StructureDefinition/{type_}",
        }
        assert shared <= set(mine)
        queries += [f"{type_}?_id={resource['id']}&{name}={mine[name]}" for name in sorted(shared)]
    wrong = {query: found for query, found in searched(browser, queries) if found != 1}
    assert wrong == {}


def asks(word: str, type_: str, resource: Resource) -> Resource:
    """Make the entry that asks for an interaction with a resource that is stored."""
    here, mine = f"{type_}/{resource['id']}", f"_id={resource['id']}"
    changed = {"resource": resource | {"language": "zh"}}
    # Base64 of a JSON Patch, as an entry holds one.
    patch = b64encode(b'[{"op": "add", "path": "/language", "value": "en"}]').decode()
    binary = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": patch}
    return {
        "read": {"request": {"method": "GET", "url": here}},
        "vread": {"request": {"method": "GET", "url": f"{here}/_history/1"}},
        "history-instance": {"request": {"method": "GET", "url": f"{here}/_history"}},
        "history-type": {"request": {"method": "GET", "url": f"{type_}/_history?_count=1"}},
        "search-type": {"request": {"method": "GET", "url": f"{type_}?{mine}"}},
        "conditionalRead": {"request": {"method": "GET", "url": here, "ifNoneMatch": 'W/"1"'}},
        "update": changed | {"request": {"method": "PUT", "url": here, "ifMatch": 'W/"1"'}},
        "patch": {"resource": binary, "request": {"method": "PATCH", "url": here}},
        "conditionalCreate": changed
        | {"request": {"method": "POST", "url": type_, "ifNoneExist": mine}},
        "conditionalUpdate": changed | {"request": {"method": "PUT", "url": f"{type_}?{mine}"}},
        "delete": {"request": {"method": "DELETE", "url": here}},
        "conditionalDelete": {"request": {"method": "DELETE", "url": f"{type_}?{mine}"}},
    }[word]


READS = {
    "read": "200", "vread": "200", "history-instance": "200", "history-type": "200",
    "search-type": "200", "conditionalRead": "304",
}  # fmt: skip
WRITES = {
    "update": "200", "patch": "200", "conditionalCreate": "200", "conditionalUpdate": "200",
}  # fmt: skip


def test_every_interaction_that_is_claimed_of_a_type_is_answered(
    browser: Browser, claimed: dict[str, Any], labelled: dict[str, Resource]
) -> None:
    exercised = {*READS, *WRITES, "create", "delete", "conditionalDelete"}
    for type_, of in claimed.items():
        words = {one["code"] for one in of["interaction"]}
        assert words | {word for word in of if word.startswith("conditional")} == exercised, type_
    resources = dict(labelled)  # Each was created by the fixture.
    wrong = {}
    for word, due in (READS | WRITES).items():
        entries = [asks(word, type_, one) for type_, one in resources.items()]
        for type_, answer in zip(resources, sent(browser, word, entries), strict=True):
            if not answer["response"]["status"].startswith(due):
                wrong[type_, word] = answer["response"]
    assert wrong == {}


def test_every_type_can_be_deleted_by_its_name_and_by_a_condition(
    browser: Browser, claimed: dict[str, Any], consortium: Consortium
) -> None:
    contents = [next(examples(type_, consortium)) for type_ in claimed]
    wrong = {}
    for word in ("delete", "conditionalDelete"):
        posts = [
            {"resource": one, "request": {"method": "POST", "url": one["resourceType"]}}
            for one in contents
        ]
        made = [one["resource"] for one in sent(browser, "create", posts)]
        deletions = [asks(word, one["resourceType"], one) for one in made]
        for one, answer in zip(made, sent(browser, word, deletions), strict=True):
            if answer["response"].get("etag") != 'W/"2"':
                wrong[one["resourceType"], word] = answer["response"]
        gone = [asks("read", one["resourceType"], one) for one in made]
        for one, answer in zip(made, asked(browser, gone), strict=True):
            if answer["response"]["status"] != "410":
                wrong[one["resourceType"], word] = answer["response"]
    assert wrong == {}


def sent(browser: Browser, word: str, entries: list[Resource]) -> list[Any]:
    """Send reads as batches and writes as one transaction, which is one commit."""
    if word in READS:
        return list(asked(browser, entries))
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    answer = browser.ask("POST", "/", data=codec.encode(bundle), headers=SENT)
    assert answer.status_code == 200, (word, answer.get_data(as_text=True)[:2000])
    told: list[Any] = codec.decode(answer.get_data())["entry"]
    return told


UNKNOWN = ("GW-7009", "GW-7010", "GW-7019")


def levels_of(definition: str, *, is_typed: bool) -> list[tuple[str, ...]]:
    """Give where an operation is to be known: at each level of the standard's definition.

    One of our own is known at one of the levels at least.
    """
    standard = {one["url"]: one for one in load().operations()}
    levels = ("type", "instance") if is_typed else ("system",)
    if definition not in standard:
        return [levels]
    return [(level,) for level in levels if standard[definition][level]]


def test_every_operation_that_is_claimed_is_known_and_no_other(
    browser: Browser, claimed: dict[str, Any], labelled: dict[str, Resource]
) -> None:
    [rest] = browser.get("/metadata").get_json()["rest"]
    places = [("", one) for one in rest["operation"]]
    places += [
        (f"/{type_}", one) for type_, of in claimed.items() for one in of.get("operation", ())
    ]
    waiting = [
        [
            f"{place}/{labelled[place[1:]]['id']}/${of['name']}"
            if level == "instance"
            else f"{place}/${of['name']}"
            for level in levels
        ]
        for place, of in places
        for levels in levels_of(of["definition"], is_typed=bool(place))
    ]
    body: dict[str, Any] = {"resource": {"resourceType": "Parameters"}}
    for method, inner in (("GET", {}), ("POST", body)):
        addresses = [one for several in waiting for one in several]
        entries = [inner | {"request": {"method": method, "url": one}} for one in addresses]
        known = {
            address
            for address, answer in zip(addresses, asked(browser, entries), strict=True)
            if not any(number in str(answer) for number in UNKNOWN)
        }
        waiting = [several for several in waiting if known.isdisjoint(several)]
    assert waiting == []
    nonsense = [{"request": {"method": "GET", "url": f"{type_}/$nonsense"}} for type_ in claimed]
    for answer in asked(browser, nonsense):
        assert answer["response"]["status"] == "404"
        assert "GW-7019" in str(answer)


def test_what_is_not_claimed_is_refused(browser: Browser, claimed: dict[str, Any]) -> None:
    names = {one["name"] for of in claimed.values() for one in of["searchParam"]}
    queries = []
    for type_, of in claimed.items():
        mine = {one["name"] for one in of["searchParam"]}
        foreign = next(name for name in sorted(names - mine) if not name.startswith("_"))
        queries += [f"{type_}?{foreign}=x", f"{type_}?nonsense=x"]
    wrong = {query for query, found in searched(browser, queries) if "GW-7101" not in str(found)}
    assert wrong == set()
    outcome(browser.get("/Nothing"), 404, "GW-7001")
    for method, path in (("PUT", "/"), ("DELETE", "/"), ("PATCH", "/")):
        outcome(browser.ask(method, path, {}), 405, "GW-7009")
