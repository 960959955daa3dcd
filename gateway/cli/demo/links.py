"""Links to what the story left: signed, read-only, one resource each, for ten minutes."""

from gateway.access.links import LinkSigner
from gateway.cli.demo.steps import COUNTY, INSURER, TOWNSHIP
from gateway.cli.demo.world import World
from gateway.wiring import utc_now

SHARD = 1
SHOWN = (
    ("上转单 the up-referral", TOWNSHIP, "ServiceRequest?status=active"),
    ("转诊摘要 the referral document", COUNTY, "Bundle?type=document"),
    ("检验报告 the laboratory report", COUNTY, "DiagnosticReport?status=final"),
    ("住院 the stay", TOWNSHIP, "Encounter?class=IMP"),
    ("下转草稿 the drafted down-referral", TOWNSHIP, "ServiceRequest?status=draft"),
    ("医保申报 the claim", INSURER, "Claim"),
    ("医保结算 the answer", INSURER, "ClaimResponse"),
    ("转诊任务 the task", TOWNSHIP, "Task?status=completed"),
)
# Whose eyes a link reads with: who may see each type in the story.
VIEWERS = {"Claim": INSURER, "ClaimResponse": INSURER, "Coverage": INSURER, "ChargeItem": INSURER}


def sign(world: World, member: str, type_: str, id_: str) -> str:
    """Sign the address of a page that shows one resource as a member sees it."""
    signer = LinkSigner(world.settings.deployment_secret())
    return f"{world.url}/view/{signer.sign(SHARD, member, type_, id_, utc_now())}"


def link_of(world: World, reference: str) -> str | None:
    """Give the link to a resource of the story."""
    type_, _, id_ = reference.partition("/")
    return sign(world, VIEWERS.get(type_, COUNTY), type_, id_)


def links(world: World) -> list[tuple[str, str]]:
    """Sign a link to the first match of each search, with the eyes of its member."""
    return [
        (f"{name} ({member})", sign(world, member, one["resourceType"], one["id"]))
        for name, member, path in SHOWN
        for one in world.found(member, path)[:1]
    ]
