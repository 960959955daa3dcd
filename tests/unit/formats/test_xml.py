"""XML is read hardened, with the place of every value and of every fault."""

import base64

import pytest

from gateway.errors import GatewayError
from gateway.formats import DIALECTS
from gateway.records import Node, Parsed, PathError
from tests.unit.formats import reading
from tests.unit.formats.reading import read

HL7 = "urn:hl7-org:v3"
CDA = """<?xml version="1.0" encoding="UTF-8"?>
<!-- 出院小结 -->
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <id root="2.16.156.10011.1.1" extension="DOC1"/>
  <code code=" c053 " codeSystem="2.16.156.10011.2.4"/>
  <recordTarget><patientRole>
    <id root="2.16.156.10011.1.12" extension="ZY1"/>
    <id root="2.16.156.10011.1.3" extension="１１０"/>
    <patient><name>测试 患者</name></patient>
  </patientRole></recordTarget>
  <component><section><text>before<br/>after <content>inner</content></text></section></component>
</ClinicalDocument>
"""


@pytest.fixture
def cda() -> Parsed:
    return read(CDA.encode(), "xml")[0]


def texts(parsed: Parsed, path: str, anchor: Node | None = None) -> list[str | None]:
    return reading.texts(parsed, path, anchor, h=HL7)


def test_a_chinese_shared_document_is_known_by_its_number(cda: Parsed) -> None:
    assert (cda.kind, cda.control_id) == ("C0053", "2.16.156.10011.1.1^DOC1")


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("<POOR_IN200901UV xmlns='urn:hl7-org:v3'/>", "POOR_IN200901UV"),
        ("<C0006><DocID/></C0006>", "C0006"),
        (
            "<ClinicalDocument xmlns='urn:hl7-org:v3'><code code='34133-9'/></ClinicalDocument>",
            "34133-9",
        ),
        ("<ClinicalDocument/>", "ClinicalDocument"),
        ("<x:req xmlns:x='urn:x'/>", "req"),
    ],
)
def test_other_documents_are_known_by_code_or_root(raw: str, kind: str) -> None:
    assert read(raw.encode(), "xml")[0].kind == kind


def test_paths_start_at_the_anchor_and_values_know_path_and_line(cda: Parsed) -> None:
    (role,) = reading.nodes(cda, "h:recordTarget/h:patientRole", h=HL7)
    first, second = reading.nodes(cda, "h:id", role, h=HL7)
    assert texts(cda, "@extension", second) == ["110"]
    assert reading.places(cda, "@extension", first) == [
        "/ClinicalDocument/recordTarget/patientRole/id[1]/@extension (line 7)"
    ]
    assert texts(cda, "h:id[@root='2.16.156.10011.1.12']/@extension", role) == ["ZY1"]
    assert texts(cda, "/h:ClinicalDocument/h:id/@extension", role) == ["DOC1"]
    assert texts(cda, "h:patient/h:name", role) == ["测试 患者"]
    assert texts(cda, "h:patient/h:name/text()", role) == ["测试 患者"]


def test_expressions_give_text_and_nothing_for_nothing(cda: Parsed) -> None:
    assert texts(cda, "count(//h:id)") == ["3"]
    assert texts(cda, "string(h:code/@codeSystem)") == ["2.16.156.10011.2.4"]
    assert texts(cda, "string(h:absent)") == []
    assert texts(cda, "h:absent") == []
    assert texts(cda, "boolean(h:code)") == ["true"]


def test_leaves_are_all_attributes_and_texts_with_the_places_paths_give(cda: Parsed) -> None:
    leaves = [(str(leaf.place), leaf.text) for leaf in cda.leaves()]
    text = "/ClinicalDocument/component/section/text"
    assert (f"{text} (line 11)", "before") in leaves
    assert (f"{text} (line 11)", "after") in leaves
    assert (f"{text}/content (line 11)", "inner") in leaves
    assert ("/ClinicalDocument/code/@code (line 5)", "c053") in leaves
    for path in ("h:code/@code", "h:recordTarget/h:patientRole/h:patient/h:name", "h:id/@root"):
        for node in reading.nodes(cda, path, h=HL7):
            assert (str(node.place), node.text) in leaves


@pytest.mark.parametrize("encoding", ["GB2312", "gbk", "GB18030", "UTF-16"])
def test_the_declaration_decides_the_character_set(encoding: str) -> None:
    raw = f'<?xml version="1.0" encoding="{encoding}"?><a>测试</a>'.encode(encoding)
    assert reading.texts(read(raw, "xml")[0], "/a") == ["测试"]


def test_the_channel_overrides_a_wrong_declaration() -> None:
    raw = '<?xml version="1.0" encoding="GB2312"?><a>测试</a>'.encode()
    assert reading.texts(read(raw, "xml", "utf-8")[0], "/a") == ["测试"]


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b"<a>\n<b>\n</a>", 3),
        (b"<a>&nbsp;</a>", 1),
        (b"not xml", 1),
        (b"<a/>\n<b/>", 2),
        (b"\n\n<a", 3),
        (b"<a x=1/>", 1),
        (b"<p:a/>", 1),
        (b"<a>\x00</a>", 1),
        (b"<? xml version='1.0'?><a/>", 1),
    ],
)
def test_a_document_that_is_not_well_formed_names_line_and_column(raw: bytes, line: int) -> None:
    with pytest.raises(GatewayError) as caught:
        read(raw, "xml")
    assert caught.value.number == "GW-2301"
    assert caught.value.where is not None
    assert caught.value.where.line == line
    assert caught.value.where.column is not None


def test_the_error_quotes_nothing_of_the_document() -> None:
    with pytest.raises(GatewayError) as caught:
        read("<张三>\n</李四>".encode(), "xml")
    assert "张三" not in caught.value.text_zh + caught.value.text_en


BOMB = "<!DOCTYPE a [<!ENTITY b 'x'>" + "".join(
    f"<!ENTITY b{n} '{'&b' + str(n - 1) + ';' if n else '&b;'}{'&b;' * 9}'>" for n in range(9)
)


@pytest.mark.parametrize(
    "raw",
    [
        "<!DOCTYPE a><a/>",
        "<?xml version='1.0'?>\n<!-- c --> <!DOCTYPE a SYSTEM 'http://127.0.0.1/x.dtd'><a/>",
        BOMB + "]><a>&b8;</a>",
        "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>",
    ],
)
def test_doctype_entities_and_bombs_are_refused_before_they_are_read(raw: str) -> None:
    with pytest.raises(GatewayError) as caught:
        read(raw.encode(), "xml")
    assert caught.value.number == "GW-2302"


def test_a_doctype_within_cdata_is_text() -> None:
    parsed = read(b"<a><![CDATA[<!DOCTYPE html>]]></a>", "xml")[0]
    assert reading.texts(parsed, "/a") == ["<!DOCTYPE html>"]


@pytest.mark.parametrize(
    "raw",
    [b"<a>" * 100_000, b"<a>" * 300 + b"</a>" * 300, b"<a>" + b"x" * 10_100_000 + b"</a>"],
    ids=["deep and cut", "deep", "long text"],
)
def test_depth_and_length_are_limited(raw: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        read(raw, "xml")
    assert caught.value.number == "GW-2303"
    assert caught.value.where is not None


def test_more_than_fifty_megabytes_are_refused_unread() -> None:
    with pytest.raises(GatewayError) as caught:
        read(b"<a>" + b" " * (50 * 1024 * 1024), "xml")
    assert caught.value.number == "GW-2001"


def test_an_encoded_document_is_read_instead_of_its_envelope() -> None:
    inner = base64.encodebytes(CDA.encode()).decode()
    raw = f"<env xmlns='urn:e'><doc>{inner}</doc></env>".encode()
    (parsed,) = read(raw, "xml", unwrap="/e:env/e:doc", prefixes={"e": "urn:e"})
    assert parsed.kind == "C0053"


@pytest.mark.parametrize("content", ["", "no base64!", "<x/>"])
def test_an_envelope_without_document_is_refused(content: str) -> None:
    with pytest.raises(GatewayError) as caught:
        read(f"<env><doc>{content}</doc></env>".encode(), "xml", unwrap="/env/doc")
    assert caught.value.number in {"GW-2304", "GW-2002"}


@pytest.mark.parametrize(
    ("path", "column", "text"),
    [
        ("h:id/x:code", 6, "prefix x is not declared"),
        ("contain(h:id, 'x')", 1, r"did you mean contains\(\)"),
        ("h:id[", 1, "not an XPath"),
        ("", 1, "not an XPath"),
    ],
)
def test_a_path_that_does_not_parse_says_why(path: str, column: int, text: str) -> None:
    with pytest.raises(PathError, match=text) as caught:
        DIALECTS["xml"].compile(path, {"h": HL7})
    assert caught.value.column == column


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("head", ["", '<?xml version="1.0" encoding="UTF-16"?>'])
def test_utf_16_without_a_mark_is_told_by_its_first_sign(codec: str, head: str) -> None:
    (parsed,) = read(f"{head}<a>测</a>".encode(codec), "xml")
    assert texts(parsed, "/a") == ["测"]


def test_a_document_converted_without_its_declaration_is_refused_not_garbled() -> None:
    raw = '<?xml version="1.0" encoding="GB2312"?><姓名>张三丰</姓名>'.encode()
    with pytest.raises(GatewayError) as caught:
        read(raw, "xml")
    assert caught.value.number == "GW-2608"
    (parsed,) = read(raw, "xml", "utf-8")
    assert texts(parsed, "/姓名") == ["张三丰"]
