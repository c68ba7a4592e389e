"""`steward audit`: whether the event log still holds, and whether a proof does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.surroundings import with_database

audit_app = typer.Typer(help="The event log and what is proven from it.", no_args_is_help=True)


@audit_app.command()
def verify() -> None:
    """Recomputes the whole chain, and holds it against the anchors outside the database."""
    sys.exit(0 if with_database(_verify()) else 1)


@audit_app.command()
def check_proof(
    file: Annotated[Path, typer.Argument(help="A proof that an inspector has exported.", exists=True)],
    key: Annotated[str, typer.Option(help="The public key; without one, this installation's.")] = "",
    alone: Annotated[bool, typer.Option("--alone", help="By the signature alone, without the event log.")] = False,
) -> None:
    """Says whether a proof is what was signed, and whether the log still says so."""
    sys.exit(0 if _check_proof(file, key, alone) else 1)


@audit_app.command()
def proof_key() -> None:
    """The public key by which others check this installation's proofs."""
    from cli.surroundings import load_settings
    from kit.signing import Signer

    print(Signer(load_settings().proof_seed).public_key)


async def _verify() -> bool:
    from settings import get_settings
    from stewardship.foundation.audit import anchor
    from stewardship.foundation.audit import service as audit

    found = await audit.verify()
    wrong = await anchor.mismatches(get_settings().home / "anchors")
    print(f"{found.seals} seals over {found.sealed} events, {found.unsealed} not sealed yet; head {found.head.hex()}")
    if found.broken_at is not None:
        print(f"BROKEN at seal {found.broken_at}: events under it were changed, added or taken away")
    for number in wrong:
        print(f"BROKEN: seal {number} is not what was anchored")
    return found.holds and not wrong


def _check_proof(file: Path, key: str, alone: bool) -> bool:
    import orjson

    from cli.surroundings import load_settings
    from kit.signing import Signer
    from stewardship.reports import proofs

    try:
        document = orjson.loads(file.read_bytes())
        problems = proofs.check_document(document, key or Signer(load_settings().proof_seed).public_key)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        problems = ["it is no proof of this format"]
    if not problems and not alone:
        problems = with_database(proofs.check_against_log(document))
    for problem in problems:
        print(f"PROBLEM {problem}")
    if not problems:
        where = "by its signature" if alone else "by its signature and in the event log"
        unsealed = sum(row["seal"] is None for row in document["rows"])
        print(f"holds {where}: {len(document['rows'])} rows, {unsealed} of them not sealed when it was made")
    return not problems
