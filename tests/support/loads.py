"""Hospitals that send all the time and, as hospitals do, repeat whatever was not acknowledged."""

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from time import sleep

import requests
from stdnum.cn import ric

from gateway.cli.demo.steps import is_taken
from gateway.cli.demo.world import World, record
from tests.support.inventory import Inventory

NUMBER, RESULT, ORDER = "ZZ20261102001", "LIS202611020008", "20261102008"
CARD, LOCAL = "420300196205143622", "E20610077"
PERSONS = 5


def id_card(number: int) -> tuple[str, str]:
    """Invent a person: an ID card number with its checksum, and the birth date in it."""
    born = date(1950, 1, 1) + timedelta(days=number)
    digits = f"420300{born:%Y%m%d}{number % 1000:03d}"
    return digits + ric.calc_check_digit(digits + "0"), born.isoformat()


def referral_file(first: int, rows: int = 2) -> bytes:
    """Make a CSV of referrals with numbers of their own, of a few persons in turn."""
    header, row = record("referral.csv").decode("gb18030").strip().splitlines()
    lines = [header]
    for number in range(first, first + rows):
        card, born = id_card(number % PERSONS)
        changed = row.replace(NUMBER, f"ZZ{number:011d}").replace(CARD, card)
        lines.append(changed.replace(LOCAL, f"E{number % PERSONS}").replace("1962-05-14", born))
    return ("\r\n".join(lines) + "\r\n").encode("gb18030")


def result_message(number: int) -> bytes:
    """Make an ORU^R01 with a report number of its own."""
    text = record("lab.hl7").decode("gbk")
    return text.replace(RESULT, f"LIS{number:012d}").replace(ORDER, f"{number:011d}").encode("gbk")


@dataclass(slots=True)
class Load:
    """What was sent and what of it was acknowledged, while the server comes and goes."""

    world: World
    seed: int
    up: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    referrals: set[int] = field(default_factory=set)
    reports: set[int] = field(default_factory=set)
    receipts: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    repeats: int = 0
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin to send: two hospitals' files over HTTP, two laboratories over MLLP."""
        for number, send in enumerate((self.refer, self.refer, self.report, self.report)):
            sequence = iter(range(1 + number * 100_000_000, (number + 1) * 100_000_000, 2))
            self.threads.append(threading.Thread(target=self._run, args=(send, sequence)))
        for thread in self.threads:
            thread.start()

    def finish(self) -> None:
        """Send to its end what is not yet acknowledged, then stop."""
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def _run(self, send: Callable[[int], None], sequence: Iterator[int]) -> None:
        for number in sequence:
            while True:
                self.up.wait()
                try:
                    send(number)
                    break
                except (requests.RequestException, OSError):
                    self.repeats += 1
                    sleep(0.02)
            if self.ended.is_set():
                return

    def refer(self, number: int) -> None:
        """Send a file without waiting for its end; 202 is the acknowledgement."""
        answer = requests.post(
            f"{self.world.url}/intake/qs-township-referral",
            data=referral_file(number),
            headers={"Authorization": f"Bearer {self.world.tokens['qs-township']}"},
            timeout=30,
        )
        if answer.status_code != 202:
            self.refusals.append(f"HTTP {answer.status_code}")
            return
        self.referrals |= {number, number + 1}
        self.receipts.append(answer.json()["message"])

    def report(self, number: int) -> None:
        """Send a result and take its acknowledgement."""
        answer = self.world.send_mllp("qs-township-lab", result_message(number))
        if not is_taken(answer, b"LIS"):
            self.refusals.append(answer.decode("gb18030"))
            return
        self.reports.add(number)


def kill_under_load(world: World, rounds: int, seed: int) -> Load:
    """Kill the server at random moments while it is loaded; it is up again at the end."""
    chance = random.Random(seed)
    load = Load(world, seed)
    load.start()
    try:
        for _ in range(rounds):
            load.up.set()
            sleep(chance.uniform(0.05, 2.0))
            load.up.clear()
            world.kill()
            world.start()
            world.sign_in()
        load.up.set()
    finally:
        load.up.set()
        load.finish()
    return load


def faults(load: Load, found: Inventory) -> list[str]:
    """List what is missing, doubled or unfinished after a load."""
    told = [f"refused: {refusal}" for refusal in load.refusals]
    wanted = {
        "ServiceRequest": len(load.referrals),
        "Patient": PERSONS + 1,
        "DiagnosticReport": len(load.reports),
    }
    for type_, count in wanted.items():
        if found.counts[type_] != count:
            told.append(f"{count} {type_} expected, {found.counts[type_]} found")
    once = ("ServiceRequest", "DiagnosticReport", "Observation", "Bundle", "Provenance")
    told += [
        f"{reference} has {count} versions"
        for reference, count in found.versions.items()
        if reference.startswith(once) and count > 1
    ]
    told += [f"receipt {id_} is lost" for id_ in load.receipts if id_ not in found.messages]
    told += [
        f"message {id_}: {status}"
        for id_, status in found.messages.items()
        if status not in {"stored", "unchanged"}
    ]
    told += [
        f"record {id_}#{ordinal}: {status}"
        for (id_, ordinal), status in found.records.items()
        if status not in {"stored", "unchanged"}
    ]
    return told
