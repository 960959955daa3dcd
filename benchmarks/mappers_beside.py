"""Other mappers, run in an environment of their own: how many messages a second, what they made.

    python benchmarks/mappers_beside.py WORK.json > RESULT.json

``benchmarks.mappers`` makes the environment and calls this; nothing here imports the gateway.
``WORK.json`` holds ``results`` (ORU messages), ``documents`` (C-CDA) and ``seconds``.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

Convert = Callable[[str], int]
"""Maps one record and gives the number of resources."""


def _bridge() -> Convert:
    from v2fhir.config import Config
    from v2fhir.convert import convert
    from v2fhir.hl7.parser import parse_bytes

    config = Config()

    def run(text: str) -> int:
        message = parse_bytes(text.encode(), config.default_charset, config.fallback_charsets)
        return len(convert(message, config).bundle["entry"])

    return run


_TEMPLATE = """{"resourceType": "Bundle", "type": "transaction", "entry": [
{"resource": {"resourceType": "Patient", "identifier": [{"value": "{{ patient }}"}],
 "name": [{"family": "{{ family }}"}], "birthDate": "{{ born }}", "gender": "{{ gender }}"}},
{"resource": {"resourceType": "DiagnosticReport", "status": "final",
 "identifier": [{"value": "{{ report }}"}], "code": {"text": "{{ title }}"}}}
{% for r in results %},{"resource": {"resourceType": "Observation", "status": "final",
 "code": {"coding": [{"code": "{{ r.code }}", "display": "{{ r.name }}"}]},
 "valueString": "{{ r.value }} {{ r.unit }}",
 "referenceRange": [{"text": "{{ r.range }}"}]}}{% endfor %}]}"""


def _templated() -> Convert:
    """Parse with hl7apy and fill a Liquid template of the main elements."""
    from hl7apy.consts import VALIDATION_LEVEL
    from hl7apy.parser import parse_message
    from liquid import Template

    template = Template(_TEMPLATE)

    def run(text: str) -> int:
        message = parse_message(text, find_groups=False, validation_level=VALIDATION_LEVEL.TOLERANT)
        patient, order = message.pid, message.obr
        results = [
            {
                "code": one.obx_3.obx_3_1.to_er7(),
                "name": one.obx_3.obx_3_2.to_er7(),
                "value": one.obx_5.to_er7(),
                "unit": one.obx_6.to_er7(),
                "range": one.obx_7.to_er7(),
            }
            for one in message.obx
        ]
        made = template.render(
            patient=patient.pid_3.to_er7(),
            family=patient.pid_5.to_er7(),
            born=patient.pid_7.to_er7(),
            gender=patient.pid_8.to_er7(),
            report=order.obr_3.to_er7(),
            title=order.obr_4.to_er7(),
            results=results,
        )
        return len(json.loads(made)["entry"])

    return run


def _converter() -> Convert:
    from fhir_converter.renderers import CcdaRenderer

    renderer = CcdaRenderer()
    return lambda text: len(json.loads(renderer.render_fhir_string("CCD", text))["entry"])


def _ccda() -> Convert:
    from ccda_to_fhir import convert_document

    return lambda text: len(convert_document(text)["bundle"]["entry"])


_MAPPERS: tuple[tuple[str, str, Callable[[], Convert]], ...] = (
    ("hl7apy + a Liquid template", "results", _templated),
    ("hl7v2-fhir-bridge", "results", _bridge),
    ("python-fhir-converter", "documents", _converter),
    ("ccda-to-fhir", "documents", _ccda),
)


def _measured(convert: Convert, texts: list[str], seconds: float) -> dict[str, Any]:
    made = [convert(text) for text in texts]
    best, end = 0.0, time.process_time() + seconds
    while time.process_time() < end:
        begin = time.process_time()
        for text in texts:
            convert(text)
        best = max(best, len(texts) / (time.process_time() - begin))
    return {"per_second": best, "resources": made[0]}


def main(path: str) -> None:
    """Measure every mapper that is installed and can do its work; print what was seen as JSON."""
    with open(path, encoding="utf-8") as file:
        work = json.load(file)
    told: dict[str, Any] = {}
    for name, kind, make in _MAPPERS:
        try:
            told[name] = _measured(make(), work[kind], work["seconds"])
        except ImportError as error:
            told[name] = {"refused": f"not installed ({error.name})"}
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            told[name] = {"refused": f"{type(error).__name__}: {str(error)[:120]}"}
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])
