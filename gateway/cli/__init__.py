"""The command line; each command lives in a module of its own and is imported when it is called."""

import importlib

import click

from gateway import __version__

COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("gateway.cli.serve:serve", "Serve the FHIR API, the intake and the console."),
    "demo": ("gateway.cli.demo:demo", "Play one patient's story across a consortium."),
    "sandbox": ("gateway.cli.sandbox:sandbox", "An invented county: write, play and check it."),
    "map": ("gateway.cli.map:map_", "Try a mapping on native records."),
    "render": ("gateway.cli.map:render", "Render a bundle back into a native record."),
    "profiles": ("gateway.cli.profiles:profiles", "Check the profiles, build a package of them."),
    "validate": ("gateway.cli.validate:validate", "Validate FHIR resources."),
    "consortium": ("gateway.cli.consortium:consortium", "Set up members and channels from a file."),
    "member": ("gateway.cli.member:member", "Members of the consortium."),
    "channel": ("gateway.cli.channel:channel", "Channels of native records."),
    "relay": ("gateway.cli.relay:relay", "Run a relay on a hospital's front machine."),
    "client": ("gateway.cli.client:client", "Clients of the members and their secrets."),
    "token": ("gateway.cli.token:token", "Print a bearer token for a client."),
    "messages": ("gateway.cli.messages:messages", "Received messages: list, show, replay."),
    "deliveries": ("gateway.cli.deliveries:deliveries", "Outgoing notices: list, show, replay."),
    "referrals": ("gateway.cli.referrals:referrals", "Referrals: registers, one way's page."),
    "audit": ("gateway.cli.audit:audit", "The audit trail: verify, list, one patient's report."),
    "load": ("gateway.cli.load:load", "Load resources from files."),
    "upgrade": ("gateway.cli.upgrade:upgrade", "Bring the database to this program's schema."),
    "worker": ("gateway.cli.worker:worker", "Run deliveries as a process of its own."),
}


class Lazy(click.Group):
    """A group that imports a command only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click gives it.
        """Name all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=Lazy)
@click.version_option(__version__, prog_name="gateway")
def gateway() -> None:
    """Consortium FHIR gateway / 医联体 FHIR 网关."""


def main() -> int:
    """Run the command line and give its exit code; refusals print their number, text and remedy."""
    from gateway.errors import GatewayError

    try:
        gateway(standalone_mode=False)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except GatewayError as error:
        spot = f" [{error.where}]" if error.where else ""
        click.echo(f"{error.number}{spot} {error.text_zh}\n{error.text_en}", err=True)
        return 1
    return 0
