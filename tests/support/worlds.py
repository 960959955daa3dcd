"""The demo's consortium as a test fixture: a real server process, set up and torn down."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.cli.demo.reports import Report
from gateway.cli.demo.steps import STEPS, Step
from gateway.cli.demo.world import World, new_world


@contextmanager
def seeded_world(data_dir: Path, **options: str) -> Iterator[World]:
    """Give a seeded consortium whose server is not yet up; ``options`` are settings by name."""
    world = new_world(data_dir)
    world.options |= options
    try:
        world.seed()
        yield world
    finally:
        world.stop()


@contextmanager
def running_world(data_dir: Path, **options: str) -> Iterator[World]:
    """Give a consortium with its server up and every member signed in."""
    with seeded_world(data_dir, **options) as world:
        world.start()
        world.sign_in()
        yield world


def failures(report: Report) -> list[str]:
    """List what did not hold in a step; a step without any check counts as not held."""
    if not report.checks:
        return [f"{report.title}: nothing was checked"]
    return [f"{report.title}: {text}" for text, is_held in report.checks if not is_held]


def play(world: World, steps: tuple[Step, ...] = STEPS) -> list[str]:
    """Play steps of the story and list everything that did not hold."""
    return [failure for step in steps for failure in failures(step(world))]
