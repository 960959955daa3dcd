"""The story, step by step: one patient, three hospitals, an insurer and a health bureau.

Every step goes through a real entrance with the member's own credentials, and checks what its
receivers can then see.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from gateway.cli.demo.reports import Report
from gateway.cli.demo.world import World, record
from gateway.fhir import codec
from gateway.fhir.systems import LOINC, NHSA_SETTLEMENT_ITEM, REFERRAL_DIRECTION, code_system

Step = Callable[[World], Report]
TOWNSHIP, COUNTY, CITY = "qs-township", "qs-county", "lj-city"
INSURER, BUREAU = "qs-insurer", "qs-bureau"
UP = f"{REFERRAL_DIRECTION}|up"
DOWN = f"{REFERRAL_DIRECTION}|down"
SUMMARY = f"{LOINC}|18842-5"


def native(raw: bytes, charset: str, lines: int = 3, width: int = 110) -> list[str]:
    """Show the first lines of a native record."""
    text = raw.decode(charset).replace("\r\n", "\n").replace("\r", "\n")
    shown = [line.strip() for line in text.split("\n") if line.strip()]
    return [line[:width] + ("…" if len(line) > width else "") for line in shown[:lines]]


def became(told: dict[str, Any]) -> list[str]:
    """List the resources that a message became."""
    names = [url.split("/fhir/")[1] for one in told["records"] for url in one.get("resources", ())]
    return [name for name in names if not name.startswith("Provenance/")]


def notice(world: World, report: Report, member: str, topic: str) -> None:
    """Wait for a notice and note it."""
    received = world.mailbox.wait(member, topic)
    report.check(f"{member} is told: {topic}", received)
    if received:
        report.received.append(f"{member} ← {received.topic}: {received.focus}")


def stored(told: dict[str, Any], report: Report) -> None:
    """Note whether every record of a message was stored."""
    report.became += became(told)
    for one in told["records"]:
        error = one.get("error")
        text = f"record {one['ordinal']}: {one['status']}"
        if error:
            text += f" {error['number']} {error['place']} {error['zh']}"
        report.check(text, one["status"] == "stored")


def is_taken(answer: bytes, control_id: bytes) -> bool:
    """Say whether an acknowledgement takes the message: AA, or CA in enhanced mode."""
    return any(b"MSA|" + code + b"|" + control_id in answer for code in (b"AA", b"CA"))


def only(world: World, member: str, path: str) -> dict[str, Any]:
    """Give the one match of a search; raise LookupError when there is not exactly one."""
    found = world.found(member, path)
    if len(found) != 1:
        raise LookupError(f"{member} finds {len(found)} of {path}")
    return found[0]


def refer(world: World) -> Report:
    """1. The township's HIS drops a referral as a row of a GB18030 CSV."""
    report = Report("1 乡镇卫生院上转 · Township refers up (CSV, GB18030)")
    raw = record("referral.csv")
    report.native = native(raw, "gb18030", 2)
    stored(world.send("qs-township-referral", raw), report)
    order = only(world, TOWNSHIP, f"ServiceRequest?category={UP}&status=active")
    task = only(world, TOWNSHIP, f"Task?focus=ServiceRequest/{order['id']}")
    report.check(
        "the referral names the county hospital as its performer",
        order["performer"][0].get("reference") == world.organization(COUNTY),
    )
    report.check(
        "its Task waits for the county hospital",
        (task["status"], task["owner"].get("reference"))
        == ("requested", world.organization(COUNTY)),
    )
    documents = world.found(TOWNSHIP, "Bundle?type=document")
    report.check(
        "the referral summary is a document Bundle",
        any(one["entry"][0]["resource"]["resourceType"] == "Composition" for one in documents),
    )
    notice(world, report, COUNTY, "referral-received")
    return report  # fmt: skip


def report_results(world: World) -> Report:
    """2. The township's laboratory sends ORU^R01 over MLLP, GBK with an empty MSH-18."""
    report = Report("2 乡镇检验结果 · Township laboratory results (HL7 v2 ORU, GBK, MLLP)")
    raw = record("lab.hl7")
    report.native = native(raw, "gbk", 6, 90)
    answer = world.send_mllp("qs-township-lab", raw)
    report.received.append("LIS ← " + native(answer, "gbk", 2)[-1])
    report.check(
        "the sender gets its commit acknowledgement (MSH-15 asks for it)",
        is_taken(answer, b"LIS202611020008"),
    )
    found = only(world, TOWNSHIP, "DiagnosticReport?status=final")
    report.became = [f"DiagnosticReport/{found['id']}"]
    report.became += [one["reference"] for one in found["result"]]
    body = world.ask(TOWNSHIP, "GET", found["result"][0]["reference"]).content
    value = codec.decode(body)["valueQuantity"]["value"]
    report.check("72.50 comes back as 72.50", str(value) == "72.50")
    return report


def accept(world: World) -> Report:
    """3. The county fetches the referral and the shared results, and accepts."""
    report = Report("3 县医院查看并接收 · County reads and accepts (FHIR REST)")
    owner = world.organization(COUNTY)
    task = only(world, COUNTY, f"Task?owner={owner}&status=requested")
    order = world.get(COUNTY, task["focus"]["reference"])
    report.check("the county reads the referral", order["status"] == "active")
    results = world.found(COUNTY, f"DiagnosticReport?subject={order['subject']['reference']}")
    report.check("the county reads the shared laboratory report", len(results) == 1)
    answer = world.ask(COUNTY, "POST", f"ServiceRequest/{order['id']}/$accept")
    report.check(f"POST $accept: HTTP {answer.status_code}", answer.status_code == 200)
    seen = world.get(TOWNSHIP, f"Task/{task['id']}")
    report.check("the township sees it accepted", seen["status"] == "accepted")
    report.became = [f"Task/{task['id']} accepted"]
    notice(world, report, TOWNSHIP, "referral-answered")
    row = native(world.fetch(), "gb18030")
    report.received += [f"{TOWNSHIP} ← {line}" for line in row]
    answered = order["identifier"][0]["value"] in row[-1] if row else False
    report.check("the township's HIS gets the answer as a row of its own table (GB18030)", answered)
    return report


def admit(world: World) -> Report:
    """4. ADT^A01 at the county hospital."""
    report = Report("4 县医院入院 · County admits (HL7 v2 ADT^A01, MLLP)")
    raw = record("admission.hl7")
    report.native = native(raw, "utf-8", 4, 90)
    answer = world.send_mllp("qs-county-adt", raw)
    report.check(
        "the sender gets its commit acknowledgement (MSH-15 asks for it)", is_taken(answer, b"")
    )
    stay = only(world, COUNTY, "Encounter?class=IMP")
    report.became = [f"Encounter/{stay['id']}"]
    order = only(world, COUNTY, f"ServiceRequest?category={UP}")
    report.check("the Encounter is based on the referral",
                 {"reference": f"ServiceRequest/{order['id']}"}.items()
                 <= (stay.get("basedOn") or [{}])[0].items())  # fmt: skip
    notice(world, report, TOWNSHIP, "patient-arrived")
    return report


def discharge(world: World) -> Report:
    """5. The county's discharge summary as WS/T 500 CDA; the down-referral drafts itself."""
    report = Report("5 出院小结与自动下转草稿 · Discharge summary (WS/T 500 CDA C0053)")
    raw = record("discharge-summary.xml")
    report.native = native(raw, "utf-8-sig", 4, 100)
    stored(world.send("qs-county-documents", raw), report)
    stay = only(world, COUNTY, "Encounter?class=IMP")
    report.check("the Encounter is finished", stay["status"] == "finished")
    summary = only(world, COUNTY, f"Composition?type={SUMMARY}")
    draft = only(world, TOWNSHIP, f"ServiceRequest?category={DOWN}&status=draft")
    report.became.append(f"ServiceRequest/{draft['id']} (draft, down)")
    report.check(
        "the township sees the drafted down-referral with its summary",
        {"reference": f"Composition/{summary['id']}"} in draft["supportingInfo"],
    )
    report.check(
        "the township reads the discharge summary",
        world.ask(TOWNSHIP, "GET", f"Composition/{summary['id']}").ok,
    )
    notice(world, report, TOWNSHIP, "down-referral-drafted")
    order = only(world, TOWNSHIP, f"ServiceRequest?category={UP}")
    page = world.get(TOWNSHIP, f"ServiceRequest/{order['id']}/$timeline")["parameter"][-1]
    report.received += page["valueMarkdown"].splitlines()
    report.check("one page tells the whole way", "同意接收" in page["valueMarkdown"])
    return report  # fmt: skip


AMOUNTS = (
    "medfee_sumamt",
    "hifp_pay",
    "hifmi_pay",
    "maf_pay",
    "fund_pay_sumamt",
    "psn_part_amt",
    "psn_cash_pay",
)
NHSA = ("nhsa-2401.json", "nhsa-2301.json", "nhsa-2402.json", "nhsa-2304.json")


def settle(world: World) -> Report:
    """6. The 医保 stay as the county's interface exchanged it."""
    report = Report("6 医保结算 · Settlement (NHSA 2401 2301 2402 2304)")
    report.native = native(record("nhsa-2304.json"), "utf-8", 3)
    for name in NHSA:
        stored(world.send("qs-county-nhsa", record(name)), report)
    report.became = [name for name in report.became if name.startswith("Claim")]
    asked = codec.decode(record("nhsa-2304.json"))["response"]["output"]
    fees = codec.decode(record("nhsa-2301.json"))["request"]["input"]["feedetail"]
    answer = codec.decode(world.ask(INSURER, "GET", "ClaimResponse").content)
    claims = codec.decode(world.ask(INSURER, "GET", "Claim").content)
    if not (answer.get("entry") and claims.get("entry")):
        report.check("the insurer finds the Claim and its ClaimResponse", False)
        return report
    response, claim = answer["entry"][0]["resource"], claims["entry"][0]["resource"]
    lines = totals(response, NHSA_SETTLEMENT_ITEM)
    wanted = {name: asked["setlinfo"][name] for name in AMOUNTS}
    report.check(
        "every amount stands on its own line, exact to the fen",
        {name: str(lines.get(name)) for name in wanted}
        == {name: str(value) for name, value in wanted.items()},
    )
    funds = totals(response, code_system("nhsa-fund-pay-type"))
    report.check(
        "every fund has its line",
        funds == {one["fund_pay_type"]: one["fund_payamt"] for one in asked["setldetail"]},
    )
    report.check(
        f"the Claim has {len(fees)} items that add up to {claim['total']['value']}",
        sum((one["net"]["value"] for one in claim.get("item", ())), Decimal(0))
        == claim["total"]["value"]
        == asked["setlinfo"]["medfee_sumamt"],
    )
    report.check("the Claim names the referral", claim.get("referral"))
    notice(world, report, INSURER, "claim-received")
    return report  # fmt: skip


def totals(response: dict[str, Any], system: str) -> dict[str, Any]:
    """Give the amounts of a ClaimResponse's lines by code."""
    return {
        coding["code"]: line["amount"]["value"]
        for line in response.get("total", ())
        for coding in line["category"]["coding"]
        if coding.get("system") == system
    }


def supervise(world: World) -> Report:
    """7. The bureau pulls standardized records; for the city hospital nothing of this exists."""
    report = Report("7 卫健局监管与无关医院 · Bureau pulls records; the city hospital sees nothing")
    records = world.get(BUREAU, "ServiceRequest/$referral-records")
    report.became = [f"{len(records.get('entry', ()))} standardized referral records"]
    report.check("the bureau pulls the standardized referral records", records.get("entry"))
    text = codec.encode(records).decode()
    report.check(
        "no name and no ID number in them",
        not any(secret in text for secret in ("林桂芳", "420300196205143622")),
    )
    order = only(world, TOWNSHIP, f"ServiceRequest?category={UP}")
    for path in (f"ServiceRequest/{order['id']}", order["subject"]["reference"]):
        status = world.ask(CITY, "GET", path).status_code
        report.check(f"the city hospital reads {path.split('/')[0]}: HTTP {status}", status == 404)
    for type_ in ("Patient", "ServiceRequest", "Task", "Encounter", "DiagnosticReport", "Claim"):
        report.check(f"the city hospital finds no {type_}", not world.found(CITY, type_))
    return report  # fmt: skip


def repeat(world: World) -> Report:
    """8. Twice the same, too late, and broken."""
    report = Report("8 重复、迟到与损坏 · The same again, a late one, a broken one")
    before = only(world, TOWNSHIP, "DiagnosticReport?status=final")
    answer = world.send_mllp("qs-township-lab", record("lab.hl7"))
    after = only(world, TOWNSHIP, "DiagnosticReport?status=final")
    report.check(
        "the same ORU again is acknowledged and changes nothing",
        is_taken(answer, b"") and before == after,
    )
    stay = only(world, COUNTY, "Encounter?class=IMP")
    world.send_mllp("qs-county-adt", record("admission-older.hl7"))
    later = only(world, COUNTY, "Encounter?class=IMP")
    report.check(
        "an older ADT that arrives late undoes nothing",
        (later["status"], later.get("location")) == ("finished", stay.get("location")),
    )
    broken = record("discharge-summary-broken.xml")
    told = world.send("qs-county-documents", broken)
    error = told["records"][0]["error"]
    report.native = [f"discharge-summary-broken.xml: {error['place']}"]
    report.received = [f"county ← {error['number']} {error['zh']}"]
    report.check(
        "a broken CDA is parked with stage, line and reason",
        (told["status"], told["records"][0]["stage"]) == ("parked", "parse")
        and "line" in error["place"],
    )
    mended = world.correct(told, COUNTY, record("discharge-summary.xml"))
    report.check(
        "the corrected file replays the parked message",
        mended["records"][0]["status"] in {"stored", "unchanged"},
    )
    parked = world.message(COUNTY, told["message"])
    report.check(
        "the parked message is settled by its correction",
        parked["records"][0]["status"] == "corrected",
    )
    report.check("nothing is doubled", len(world.found(COUNTY, f"Composition?type={SUMMARY}")) == 1)
    return report  # fmt: skip


STEPS: tuple[Step, ...] = (
    refer,
    report_results,
    accept,
    admit,
    discharge,
    settle,
    supervise,
    repeat,
)
