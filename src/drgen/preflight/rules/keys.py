"""DR63x: keys and secrets that cannot be made, or not be managed afterwards."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from drgen.model.finding import Severity
from drgen.preflight.policies import is_readable, statements
from drgen.preflight.rule import Fault, NotDecided, rule
from drgen.preflight.rules.encryption import KEY, SECRET
from drgen.preflight.values import is_true, known_text
from drgen.preflight.world import World

Found = Iterator[Fault | NotDecided]


@rule(
    "DR630",
    "A key's policy lets somebody change it",
    source="AWS KMS Developer Guide, Default key policy; CloudFormation reference, AWS::KMS::Key (KeyPolicy)",
    alone=True,
)
def key_stays_manageable(world: World) -> Found:
    """IAM policies count only where the key's policy says so. KMS refuses a policy that shuts everybody out: `The new
    key policy will not allow you to update the key policy in the future`.

    Fix: keep the statement that allows the account's root kms:*.
    """
    for key in world.resources(*KEY):
        document = key.properties.get("KeyPolicy")
        if document is None or not is_readable(document) or is_true(key.value("BypassPolicyLockoutSafetyCheck")):
            continue
        able = [s for s in statements(document) if s.allows("kms:PutKeyPolicy") and s.others]
        if not able:
            message = "no statement allows a principal of an account kms:PutKeyPolicy"
            yield Fault(key.place("KeyPolicy"), message, "allow the account's root kms:*")


@rule("DR631", "Only keys that can rotate do", source="Registry schema AWS::KMS::Key, EnableKeyRotation", alone=True)
def key_can_rotate(world: World) -> Found:
    """KMS rotates symmetric encryption keys whose material it made, and refuses rotation of others.

    Fix: remove EnableKeyRotation, or use KeySpec SYMMETRIC_DEFAULT with Origin AWS_KMS.
    """
    for key in world.resources("AWS::KMS::Key"):
        spec, origin = key.text("KeySpec") or "SYMMETRIC_DEFAULT", key.text("Origin") or "AWS_KMS"
        if is_true(key.value("EnableKeyRotation")) and (spec != "SYMMETRIC_DEFAULT" or origin != "AWS_KMS"):
            said = f"KeySpec is {spec}" if spec != "SYMMETRIC_DEFAULT" else f"Origin is {origin}"
            yield Fault(key.place("EnableKeyRotation"), f"{said}", "remove EnableKeyRotation")


@rule(
    "DR632",
    "An alias does not begin like those of AWS",
    source="Registry schema AWS::KMS::Alias, AliasName",
    alone=True,
)
def alias_is_free(world: World) -> Found:
    """Names that begin with alias/aws/ are kept for the keys that AWS manages; KMS refuses them.

    Fix: choose another name.
    """
    for alias in world.resources("AWS::KMS::Alias"):
        name = world.literal(alias.value("AliasName")) or ""
        if name.startswith("alias/aws/"):
            yield Fault(alias.place("AliasName"), f"{name} is kept for AWS", "choose another name")


GENERATED = "GenerateSecretString"


@rule(
    "DR633",
    "A generated secret says where the password goes",
    source="Registry schema AWS::SecretsManager::Secret",
    alone=True,
)
def generated_secret(world: World) -> Found:
    """The password goes into the JSON object of SecretStringTemplate under GenerateStringKey. Secrets Manager refuses
    one without the other, and text that is no JSON object. SecretString and GenerateSecretString exclude each other.

    Fix: set both, with a JSON object as template; remove SecretString.
    """
    for secret in world.resources(SECRET):
        place = secret.place(GENERATED)
        if secret.has("SecretString") and secret.has(GENERATED):
            yield Fault(secret.place("SecretString"), f"SecretString and {GENERATED} are both set", "keep one of them")
        template, key = secret.has(f"{GENERATED}.SecretStringTemplate"), secret.has(f"{GENERATED}.GenerateStringKey")
        if template != key:
            missing = "GenerateStringKey" if template else "SecretStringTemplate"
            yield Fault(place, f"{missing} is missing", f"set {missing}")
        text = known_text(secret.value(f"{GENERATED}.SecretStringTemplate"))
        if text is not None and not _is_object(text):
            yield Fault(place, "SecretStringTemplate is no JSON object", "correct the text")


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


@rule(
    "DR634",
    "A secret's name does not look like the end of its ARN",
    source="Registry schema AWS::SecretsManager::Secret, Name",
    severity=Severity.WARNING,
    alone=True,
)
def name_has_no_suffix(world: World) -> Found:
    """Secrets Manager adds a hyphen and six characters to the name in the ARN. A name that ends so itself is mistaken
    for a part of an ARN: look-ups by the ARN without suffix find nothing, or another secret.

    Fix: choose a name that does not end with a hyphen and six characters.
    """
    for secret in world.resources(SECRET):
        name = secret.text("Name") or ""
        if re.search(r"-[A-Za-z0-9]{6}$", name):
            message = f"{name} ends with a hyphen and six characters"
            severity = Severity.INFO if _word(name) else None
            yield Fault(secret.place("Name"), message, "choose another name", severity)


def _word(name: str) -> bool:
    """True if the six characters are a word, as in `orders-master`: there, no ARN is ever meant."""
    return name[-6:].isalpha() and name[-6:].islower()
