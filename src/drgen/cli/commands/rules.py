"""`drgen rules`: the preflight rules and their pages."""

from __future__ import annotations

import click

from drgen.errors import UsageError
from drgen.preflight.rule import Rule
from drgen.preflight.rules import FAMILIES
from drgen.preflight.run import by_id
from drgen.reports.rule_pages import RuleText, listing, page, rules_page


@click.command()
@click.argument("wanted", metavar="[ID]", default="")
def command(wanted: str) -> int:
    """List the preflight rules, or show one.

    ID is a rule such as DR305, or the beginning of ids, such as DR3.
    """
    rules = [_text(rule) for rule_id, rule in sorted(by_id().items()) if rule_id.startswith(wanted.upper())]
    if not rules:
        raise UsageError(f"there is no rule {wanted!r}", fix="run `drgen rules` for all of them")
    if len(rules) == 1:
        click.echo(page(rules[0]), nl=False)
    else:
        click.echo(listing(rules), nl=False)
    return 0


def markdown() -> str:
    """docs/rules.md: every rule."""
    return rules_page([_text(rule) for _, rule in sorted(by_id().items())], FAMILIES)


def _text(rule: Rule) -> RuleText:
    return RuleText(rule.id, rule.title, rule.severity, rule.why, rule.fix, rule.source)
