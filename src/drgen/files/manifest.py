"""`deploy.yaml` <-> Deployment. The format is the contract of docs/manifest.md; hand-written manifests are welcome."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from drgen.errors import InputErrors, Problem, UsageError
from drgen.model.deployment import (
    AfterDeploy,
    Artifact,
    Deployment,
    FromOutput,
    Intent,
    ParameterSource,
    RevokeDefaultSecurityGroup,
    StackEntry,
    TellOutput,
)
from drgen.template.load import Path as At
from drgen.template.load import Template, load

T = TypeVar("T")

MANIFEST = "deploy.yaml"

_STACK_KEYS = (
    "stack", "template", "region", "stack_name", "stage", "parameters", "sha256", "capabilities", "tags", "action",
    "nested", "template_delivery", "artifacts", "termination_protection", "protect", "after", "account",
)  # fmt: skip


def find_manifest(path: Path) -> Path:
    """The manifest meant by `path`, a folder or the file itself. Raises UsageError if there is none."""
    manifest = path / MANIFEST if path.is_dir() else path
    if not manifest.is_file():
        fix = f"run `drgen build` first, or write a {MANIFEST} that lists the stacks"
        raise UsageError("there is no manifest", at=str(manifest), fix=fix)
    return manifest


def read_deployment(path: Path) -> Deployment:
    """The deployment that the manifest at `path` (a folder or the file) describes.

    Raises InputErrors with every problem of the file, UsageError if there is no file.
    """
    manifest = find_manifest(path)
    document = load(manifest.read_bytes(), file=str(manifest))
    return _Reader(document, manifest).deployment()


class _Reader:
    def __init__(self, document: Template, path: Path) -> None:
        self.document = document
        self.path = path
        self.problems: list[Problem] = []

    def problem(self, at: At, problem: str, fix: str) -> None:
        name = ".".join(str(part) for part in at)
        line = self.document.line(at)
        self.problems.append(Problem(file=self.document.file, line=line, at=name, problem=problem, fix=fix))

    def deployment(self) -> Deployment:
        body = self.document.body
        self.known_keys((), body, ("intent", "account_state", "stacks"))
        listed = body.get("stacks")
        if not isinstance(listed, list) or not listed:
            self.problem(("stacks",), "no stacks are listed", "list at least one stack with stack, template, region")
            listed = []
        stacks = tuple(entry for index, item in enumerate(listed) if (entry := self.stack(("stacks", index), item)))
        self.references(stacks)
        if self.problems:
            raise InputErrors(self.problems)
        state = body.get("account_state")
        return Deployment(self.path, self.intent(body.get("intent")), stacks, state if isinstance(state, dict) else {})

    def intent(self, value: Any) -> Intent:
        if not isinstance(value, dict):
            return Intent()
        recovery = value.get("recovery", ())
        regions = tuple(recovery) if isinstance(recovery, list) else (str(recovery),) if recovery else ()
        other = {key: item for key, item in value.items() if key not in ("primary", "recovery")}
        return Intent(str(value.get("primary", "")), regions, other)

    def stack(self, at: At, item: Any) -> StackEntry | None:
        if not isinstance(item, dict):
            self.problem(at, "a stack is a mapping", "write {stack: ..., template: ..., region: ...}")
            return None
        self.known_keys(at, item, _STACK_KEYS)
        action = item.get("action", "create")
        if action not in ("create", "update", "delete"):
            self.problem((*at, "action"), f"{action!r} is no action", "use create, update or delete")
        required = ("stack", "region") if action == "delete" else ("stack", "template", "region")
        for key in required:
            if not isinstance(item.get(key), str) or not item[key]:
                self.problem(at, f"the stack has no {key}", f"add `{key}:`")
        delivery = item.get("template_delivery")
        if delivery not in (None, "inline", "s3"):
            self.problem((*at, "template_delivery"), f"{delivery!r} is no way of delivery", "use inline or s3")
        key = str(item.get("stack", ""))
        return StackEntry(
            stack=key,
            template=str(item.get("template", "")),
            region=str(item.get("region", "")),
            stack_name=str(item.get("stack_name", key)),
            stage=str(item.get("stage", "")),
            parameters=self.mapping((*at, "parameters"), item.get("parameters"), self.parameter),
            sha256=str(item.get("sha256", "")),
            capabilities=self.texts((*at, "capabilities"), item.get("capabilities")),
            tags=self.mapping((*at, "tags"), item.get("tags"), self.text),
            action=action,
            nested=self.mapping((*at, "nested"), item.get("nested"), self.text),
            template_delivery=delivery,
            artifacts=tuple(self.artifact((*at, "artifacts"), a) for a in item.get("artifacts") or ()),
            termination_protection=bool(item.get("termination_protection", False)),
            protect=self.texts((*at, "protect"), item.get("protect")),
            after=tuple(step for a in item.get("after") or () if (step := self.after((*at, "after"), a))),
            account=str(item.get("account", "")),
        )

    def mapping(self, at: At, value: Any, read: Callable[[At, Any], T]) -> Mapping[str, T]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.problem(at, "this must be a mapping", "write one `name: value` per line")
            return {}
        return {str(name): read((*at, name), item) for name, item in value.items()}

    def texts(self, at: At, value: Any) -> tuple[str, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            self.problem(at, "this must be a list", "write [one, another]")
            return ()
        return tuple(str(item) for item in value)

    def text(self, at: At, value: Any) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
            return ",".join(self.text(at, item) for item in value)
        if isinstance(value, dict | list) or value is None:
            self.problem(at, "this must be a plain value", "write text, a number, true or false")
        return str(value)

    def parameter(self, at: At, value: Any) -> ParameterSource:
        if not isinstance(value, dict):
            return self.text(at, value)
        self.known_keys(at, value, ("from", "late"))
        source = value.get("from")
        if isinstance(source, dict) and isinstance(source.get("stack"), str) and isinstance(source.get("output"), str):
            return FromOutput(source["stack"], source["output"], bool(value.get("late") or source.get("late")))
        self.problem(at, "it is not said where the value comes from", "write {from: {stack: ..., output: ...}}")
        return ""

    def artifact(self, at: At, value: Any) -> Artifact:
        if not isinstance(value, dict) or not {"name", "path", "key"} <= set(value):
            self.problem(at, "an artifact has name, path and key", "run `drgen build` again")
            return Artifact("", "", "")
        return Artifact(str(value["name"]), str(value["path"]), str(value["key"]))

    def after(self, at: At, value: Any) -> AfterDeploy | None:
        if isinstance(value, dict) and list(value) == ["revoke_default_security_group"]:
            return RevokeDefaultSecurityGroup(str(value["revoke_default_security_group"]))
        if isinstance(value, dict) and set(value) == {"tell", "output"}:
            return TellOutput(str(value["tell"]), str(value["output"]))
        fix = "use {revoke_default_security_group: OUTPUT_WITH_VPC_ID}, or {tell: TEXT, output: OUTPUT}"
        self.problem(at, f"{value!r} is no step drgen knows", fix)
        return None

    def known_keys(self, at: At, value: Mapping[str, Any], known: tuple[str, ...]) -> None:
        for key in value:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                fix = f"did you mean {near[0]}?" if near else f"remove it; known keys are {', '.join(known)}"
                self.problem((*at, key), "this key is not known", fix)

    def references(self, stacks: tuple[StackEntry, ...]) -> None:
        keys = {entry.stack for entry in stacks}
        for index, entry in enumerate(stacks):
            for name, source in entry.parameters.items():
                if isinstance(source, FromOutput) and source.stack not in keys:
                    near = difflib.get_close_matches(source.stack, sorted(keys), n=1)
                    fix = f"did you mean {near[0]}?" if near else "add the stack, or name one that is listed"
                    at = ("stacks", index, "parameters", name)
                    self.problem(at, f"stack {source.stack} is not in this manifest", fix)
