"""The guardrail on Bedrock's side: the last of several, for what should never have come so far.

The site's gate has replaced identifiers before anything leaves; a guardrail that finds one all the
same blocks the call, so that the fault is seen.
"""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_bedrock as bedrock

IDENTIFIERS = {
    "supi": r"\b(imsi|msisdn|imei|imeisv|suci)-[0-9-]{10,}\b",
    "labelled-imsi": r"(?i)\b(imsi|supi)[ :=]{1,3}[0-9]{14,15}\b",
    "labelled-imei": r"(?i)\b(imei|imeisv|pei)[ :=]{1,3}[0-9]{14,16}\b",
    "labelled-msisdn": r"(?i)\b(msisdn|gpsi)[ :=]{1,3}\+?[0-9]{8,15}\b",
}
"""3GPP TS 29.571 prefixes, and what stands behind a label."""

_BLOCKED = "The guardrail stopped this: it holds an identifier or an instruction."


def guardrail(stack: Stack, key: str) -> tuple[bedrock.CfnGuardrail, bedrock.CfnGuardrailVersion]:
    """The guardrail and the version that is used."""
    G = bedrock.CfnGuardrail  # noqa: N806 - the service's own name is long enough
    rail = G(
        stack,
        "Guardrail",
        name="tierwise",
        description="Identifiers that should have been masked and prompt attacks",
        blocked_input_messaging=_BLOCKED,
        blocked_outputs_messaging=_BLOCKED,
        kms_key_arn=key,
        content_policy_config=G.ContentPolicyConfigProperty(
            filters_config=[
                G.ContentFilterConfigProperty(
                    type="PROMPT_ATTACK", input_strength="HIGH", output_strength="NONE"
                )
            ]
        ),
        sensitive_information_policy_config=G.SensitiveInformationPolicyConfigProperty(
            regexes_config=[
                G.RegexConfigProperty(name=name, pattern=pattern, action="BLOCK")
                for name, pattern in IDENTIFIERS.items()
            ]
        ),
    )
    version = bedrock.CfnGuardrailVersion(
        stack,
        "GuardrailVersion",
        guardrail_identifier=rail.attr_guardrail_id,
        description="The version in use",
    )
    return rail, version
