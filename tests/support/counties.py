"""A sandbox county played against a real server, which may be killed meanwhile."""

import threading
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import sleep

from gateway.cli.demo.world import World, free_port, is_free
from gateway.cli.sandbox.checking import Findings, check
from gateway.cli.sandbox.playing import County, play
from gateway.cli.sandbox.setting_up import register
from gateway.cli.sandbox.writing import Plan, write
from gateway.wiring import build_runtime, open_store

SHARD = 2


@dataclass(slots=True)
class Played:
    """A county that was written, and the consortium it is played in."""

    world: World
    plan: Plan

    def apply(self) -> None:
        """Register members, channels and clients; the server must not be up yet."""
        runtime = build_runtime(self.world.settings)
        try:
            register(runtime, self.plan.folder)
        finally:
            runtime.close()

    def send(self) -> None:
        """Send everything by the hospitals' carriers."""
        play(County(self.plan.folder, self.world.url, 120.0, lambda _by: None))

    def send_while_killed(self, random: Random, pause_s: tuple[float, float]) -> int:
        """Send everything while the server is killed and started again; give how often."""
        sending = threading.Thread(target=self.send)
        sending.start()
        kills = 0
        while sending.is_alive():
            sleep(random.uniform(*pause_s))
            self.world.kill()
            kills += 1
            self.world.start()
        sending.join()
        return kills

    def found(self, tries: int = 30) -> Findings:
        """Compare with the truth; what carriers still hold is waited for."""
        store = open_store(self.world.settings)
        try:
            for _ in range(tries):
                findings = check(store, SHARD, self.plan.folder)
                if not findings.wrong:
                    return findings
                sleep(1)
        finally:
            store.close()
        return findings


def written_county(
    world: World, folder: Path, view_url: str | None = None, **size: float
) -> Played:
    """Write a county for a consortium that is seeded and not yet up."""
    url = view_url or f"sqlite:///{folder}/his.db"
    plan = Plan(
        folder,
        patients=int(size.get("patients", 12)),
        days=int(size.get("days", 10)),
        dirty=size.get("dirty", 0.02),
        seed=int(size.get("seed", 1)),
        shard=SHARD,
        view_url=url,
        mllp_port=_two_free_ports(),
    )
    write(plan)
    played = Played(world, plan)
    played.apply()
    return played


def _two_free_ports() -> int:
    """Find a port whose next one is free as well."""
    while True:
        port = free_port()
        if port < 65_000 and is_free(port + 1):
            return port
