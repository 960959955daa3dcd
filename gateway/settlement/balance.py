"""The four balance equations of the insurance's settlement (2304 and 2207, ``setlinfo``).

Amounts are compared as they came, with a tolerance of 0.01; provinces add funds, so a difference is
a warning. A reversal carries negative amounts and balances in the same way.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from gateway.errors import issue
from gateway.fhir.systems import NHSA_SETTLEMENT_ITEM
from gateway.reactions import codes
from gateway.records import Issue, Resource

TOLERANCE = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Equation:
    """One equation over the amounts' names.

    ``required`` addends must be there for the equation to be checked; an ``optional`` one that is
    absent counts as nothing paid. ``alternative``: provinces differ in whether it counts.
    """

    total: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    alternative: str | None = None

    def __str__(self) -> str:
        """Read as arithmetic over the names."""
        text = f"{self.total} = {' + '.join((*self.required, *self.optional))}"
        return f"{text} (+ {self.alternative})" if self.alternative else text


EQUATIONS = (
    Equation(
        "medfee_sumamt",
        ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt"),
    ),
    Equation(
        "fund_pay_sumamt",
        ("hifp_pay",),
        ("cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "oth_pay"),
    ),
    Equation("medfee_sumamt", ("fund_pay_sumamt", "psn_part_amt"), ("hosp_part_amt",)),
    Equation("psn_part_amt", ("acct_pay", "psn_cash_pay"), alternative="acct_mulaid_pay"),
)

Amounts = Mapping[str, list[Decimal]]


def amounts_of(answer: Resource) -> dict[str, list[Decimal]]:
    """Give the amounts of a ClaimResponse's totals by settlement item; one may repeat."""
    found: dict[str, list[Decimal]] = {}
    for total in answer.get("total", ()):
        value = total.get("amount", {}).get("value")
        if value is not None:
            for code in codes(total.get("category"), NHSA_SETTLEMENT_ITEM):
                found.setdefault(code, []).append(Decimal(value))
    return found


def balance(answer: Resource) -> Iterator[Issue]:
    """Find the equations that a ClaimResponse breaks (GW-6220) or leaves unchecked (GW-6221)."""
    amounts = amounts_of(answer)
    if not amounts:
        return
    for equation in EQUATIONS:
        yield from _check(equation, amounts)


def _check(equation: Equation, amounts: Amounts) -> Iterator[Issue]:
    needed = (equation.total, *equation.required)
    unclear = [name for name in needed if len(amounts.get(name, ())) != 1]
    unclear += [
        name
        for name in (*equation.optional, equation.alternative or "")
        if len(amounts.get(name, ())) > 1
    ]
    expression = f"ClaimResponse.total.where(category.coding.code='{equation.total}').amount"
    if unclear:
        yield issue(
            "GW-6221",
            "information",
            expression=expression,
            equation=equation,
            field=", ".join(unclear),
        )
        return
    total = amounts[equation.total][0]
    addends = (*equation.required, *equation.optional)
    paid = sum((amounts[name][0] for name in addends if name in amounts), Decimal(0))
    allowed = [paid]
    if equation.alternative is not None and equation.alternative in amounts:
        allowed.append(paid + amounts[equation.alternative][0])
    if all(abs(total - one) > TOLERANCE for one in allowed):
        yield issue("GW-6220", "warning", expression=expression, equation=equation)
