"""Write what is made from the code: errors, settings, the states of a referral and its codes."""

from pathlib import Path

from gateway.errors import CATALOGUE, KINDS
from gateway.settings import HELP, Settings
from scripts.referral_pages import write

DOCS = Path(__file__).resolve().parent.parent / "docs"
STAGES = {
    "1": "Receive 接收",
    "2": "Parse 解析",
    "3": "Map 映射",
    "4": "Validate 校验",
    "5": "Store 存储",
    "6": "Route 投递与业务",
    "7": "Serve 服务",
    "8": "Access 权限",
}


def errors_page() -> str:
    """Lay out every numbered error: texts, what to do, and what it means outside."""
    lines = ["# Errors 错误", ""]
    lines += ["Numbers are stable and never reused; the first digit is the stage."]
    stage = ""
    for number, entry in sorted(CATALOGUE.items()):
        if number[3] != stage:
            stage = number[3]
            lines += ["", f"## {STAGES[stage]}"]
        meaning = KINDS[entry.kind]
        lines += ["", f"### {number}", ""]
        lines += [f"- {entry.zh} / {entry.en}"]
        lines += [f"- 处理: {entry.remedy_zh} / What to do: {entry.remedy_en}"]
        status, code = entry.http or meaning.http, entry.issue_code or meaning.issue
        lines += [f"- HTTP {status} · issue `{code}` · HL7 {meaning.acknowledgement}"]
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """Lay out every setting with its default."""
    lines = ["# Settings 设置", ""]
    lines += ["Sources, later ones win: the defaults, one TOML file (`--config FILE` or"]
    lines += ["`GATEWAY_CONFIG`), environment variables `GATEWAY_<NAME>`, options.", ""]
    lines += ["| setting | default | meaning |", "|---|---|---|"]
    for name, text in HELP.items():
        default = getattr(Settings(), name)
        shown = f"`{default}`" if str(default) else "(empty)"
        lines += [f"| `{name}` | {shown} | {text} |"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (DOCS / "errors.md").write_text(errors_page(), encoding="utf-8")
    (DOCS / "settings.md").write_text(settings_page(), encoding="utf-8")
    write(DOCS.parent)
