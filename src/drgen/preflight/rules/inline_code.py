"""DR53x: code that stands in the template: what it may import, what it must define, and what it must answer."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator

from drgen.model.finding import Severity
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.functions import FUNCTION
from drgen.preflight.stack import Resource
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]

IN_THE_RUNTIME = frozenset({"boto3", "botocore", "cfnresponse", "s3transfer", "urllib3", "jmespath", "dateutil", "six",
                            "awslambdaric", "bootstrap"})  # fmt: skip
"""What a Python runtime has beyond the standard library: the SDK with what it needs, and the module for answers.

Source: AWS Lambda Developer Guide, "Working with .zip file archives for Python Lambda functions" (runtime-included
libraries); CloudFormation User Guide, "cfn-response module" (only for code in ZipFile).
"""

ZIPPED_GUIDE = "AWS Lambda Developer Guide, Lambda runtimes; registry schema AWS::Lambda::Function, Code.ZipFile"


def inline_functions(world: World) -> Iterator[tuple[Resource, str, str]]:
    """Functions whose code stands in the template as known text: the function, its runtime and the code."""
    for function in world.resources(FUNCTION):
        code, runtime = function.text("Code.ZipFile"), function.text("Runtime")
        if code and runtime:
            yield function, runtime, code


def _parsed(code: str) -> ast.Module | None:
    try:
        return ast.parse(code)
    except SyntaxError:
        return None


@rule("DR530", "Inline code can be read by its runtime", source=ZIPPED_GUIDE, severity=Severity.WARNING, alone=True)
def code_parses(world: World) -> Found:
    """The function is made without a look at its code; every invocation ends with a syntax error. Inline Node.js code
    is saved as index.js, a CommonJS module, where `import` and `export` are no statements.

    Fix: correct the code; for Node.js use require() and exports.handler.
    """
    for function, runtime, code in inline_functions(world):
        place = function.place("Code.ZipFile")
        if runtime.startswith("python"):
            try:
                ast.parse(code)
            except SyntaxError as error:
                yield Fault(place, f"line {error.lineno} of the code is not Python: {error.msg}", "correct the code")
        elif runtime.startswith("nodejs"):
            statement = re.search(
                r"^\s*(import\s[^(]*?from\s*['\"]|import\s*['\"]|export\s+(const|default|async|function))", code, re.M
            )
            if statement:
                message = (
                    f"{statement.group(0).strip()!r} is no statement of CommonJS, and the code is saved as index.js"
                )
                yield Fault(place, message, "use require() and exports")


@rule("DR531", "Inline code imports what the runtime has", source=ZIPPED_GUIDE, severity=Severity.WARNING, alone=True)
def imports_exist(world: World) -> Found:
    """Inline code brings no packages along. The function is made, and its first run ends with an ImportModuleError: for
    a failover function, on the day it is needed.

    Fix: use what the runtime has, add a layer with the package, or deploy a zip that contains it.
    """
    for function, runtime, code in inline_functions(world):
        tree = _parsed(code) if runtime.startswith("python") else None
        if tree is None or function.has("Layers"):
            continue
        missing = sorted(_imported(tree) - IN_THE_RUNTIME - sys.stdlib_module_names - {"index"})
        if missing:
            message = f"{runtime} has no {', '.join(missing)}"
            yield Fault(function.place("Code.ZipFile"), message, "add a layer, or deploy a zip with the package")


def _imported(tree: ast.Module) -> set[str]:
    """Top-level names of the modules that the code cannot do without: not those it tries to import."""
    tried = {id(node) for block in ast.walk(tree) if isinstance(block, ast.Try) for node in ast.walk(block)}
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in tried:
            continue
        if isinstance(node, ast.Import):
            found.update(name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


@rule("DR532", "Inline code defines its handler", source=ZIPPED_GUIDE, severity=Severity.WARNING)
def handler_is_defined(world: World) -> Found:
    """The function is made; every invocation ends with Runtime.HandlerNotFound.

    Fix: let Handler end with the name of the function in the code.
    """
    for function, runtime, code in inline_functions(world):
        module, _, name = (function.text("Handler") or "").rpartition(".")
        if module != "index" or not name:
            continue
        if runtime.startswith("python"):
            tree = _parsed(code)
            defined = _defined(tree) if tree is not None else {name}
            missing, placeholder = name not in defined, not defined
        else:
            missing = runtime.startswith("nodejs") and not re.search(rf"\b{re.escape(name)}\b", code)
            placeholder = "exports" not in code
        if missing:
            # Code without any definition holds the place of what a pipeline brings later.
            severity = Severity.INFO if placeholder else None
            fix = "name a function of the code"
            yield Fault(function.place("Handler"), f"the code does not define {name}", fix, severity)


def _defined(tree: ast.Module) -> set[str]:
    """Every name that the module gets at its top level, also inside if, try and with."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.update(alias.asname or alias.name for alias in node.names)
    return found


ANSWERS = re.compile(r"cfnresponse|cfn-response|ResponseURL|crhelper|CfnResource|response_url", re.IGNORECASE)


@rule(
    "DR533",
    "A function behind a custom resource answers CloudFormation",
    source="CloudFormation User Guide, Custom resource request and response (ResponseURL)",
    alone=True,
)
def provider_answers(world: World) -> Found:
    """CloudFormation waits for a PUT to the ResponseURL of its request; what the function returns, nobody reads. The
    stack hangs for an hour (or ServiceTimeout), and its rollback hangs again.

    Fix: send an answer with cfnresponse.send, also when something goes wrong and for requests to delete.
    """
    users = [*world.resources("AWS::CloudFormation::CustomResource")]
    users += [resource for resource in world.all_resources() if resource.type.startswith("Custom::")]
    told: set[int] = set()
    for user in users:
        for value in user.values("ServiceToken"):
            function = world.target(value, FUNCTION)
            code = function.text("Code.ZipFile") if function else None
            if function is None or not code or id(function) in told or ANSWERS.search(code):
                continue
            told.add(id(function))
            message = f"{user.logical_id} waits for an answer that the code never sends"
            yield Fault(function.place("Code.ZipFile"), message, "call cfnresponse.send on every path")
