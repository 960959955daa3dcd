"""Readers of native formats and the path dialects of mappings, by format.

A reader turns the raw bytes of a message into records whose every value has its text and place;
a dialect compiles the paths by which a mapping names those values. FHIR itself is read by
``gateway.fhir.codec``.
"""

from gateway.formats.hl7v2 import HL7v2Reader
from gateway.formats.hl7v2_paths import HL7v2Paths
from gateway.formats.json import JSONReader
from gateway.formats.json_paths import JSONPaths
from gateway.formats.rows import RowPaths, RowReader
from gateway.formats.xml import XMLReader
from gateway.formats.xml_paths import XMLPaths
from gateway.records import Format, PathDialect, Reader

READERS: dict[Format, Reader] = {
    "hl7v2": HL7v2Reader(),
    "xml": XMLReader(),
    "json": JSONReader(),
    "rows": RowReader(),
}
DIALECTS: dict[Format, PathDialect] = {
    "hl7v2": HL7v2Paths(),
    "xml": XMLPaths(),
    "json": JSONPaths(),
    "rows": RowPaths(),
}

__all__ = ["DIALECTS", "READERS"]
