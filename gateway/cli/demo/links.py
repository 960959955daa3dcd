"""Links to what the story left: signed, read-only, one resource each, for ten minutes."""

from gateway.access import Access
from gateway.cli.demo.steps import BUREAU, COUNTY, INSURER, TOWNSHIP
from gateway.cli.demo.world import World
from gateway.wiring import open_store, utc_now

SHOWN = (
    ("上转单 the up-referral", TOWNSHIP, "ServiceRequest?status=active"),
    ("转诊摘要 the referral document", COUNTY, "Bundle?type=document"),
    ("检验报告 the laboratory report", COUNTY, "DiagnosticReport?status=final"),
    ("住院 the stay", TOWNSHIP, "Encounter?class=IMP"),
    ("下转草稿 the drafted down-referral", TOWNSHIP, "ServiceRequest?status=draft"),
    ("医保申报 the claim", INSURER, "Claim"),
    ("医保结算 the answer", INSURER, "ClaimResponse"),
    ("转诊任务 the task, as the bureau sees it", BUREAU, "Task?status=completed"),
)


def links(world: World) -> list[tuple[str, str]]:
    """Sign a link to the first match of each search, with the eyes of its member."""
    settings = world.settings
    store = open_store(settings)
    signed: list[tuple[str, str]] = []
    try:
        access = Access(settings.deployment_secret(), store.registry, utc_now)
        for name, member, path in SHOWN:
            for one in world.found(member, path)[:1]:
                link = access.sign_link(1, member, one["resourceType"], one["id"])
                signed.append((f"{name} ({member})", f"{world.url}{link}"))
    finally:
        store.close()
    return signed
