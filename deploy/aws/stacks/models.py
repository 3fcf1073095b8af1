"""Which model may be called, as parameters, and the one statement that allows it.

Under residency a model is a foundation model of this Region, or an inference profile of one
geography. A `global.` profile may answer from anywhere, so the parameter has no word for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import CfnCondition, CfnParameter, Fn, Stack

from deploy.aws.stacks.parts import Json, allow, arn, own, parameter

GEOGRAPHIES = ("none", "eu", "us", "us-gov", "apac", "jp", "au", "ca")
"""Prefixes of inference profiles that stay in one geography; `none` is this Region alone."""


MODEL = r"(?!global\.)[a-z0-9]+\.[A-Za-z0-9.:_-]+"
"""A foundation model, as a pattern; whatever comes from anywhere does not fit."""

_PROFILE = "inference-profile/${ModelGeography}.${ModelId}"


@dataclass(frozen=True, slots=True)
class AllowedModel:
    """The model of a deployment."""

    model_id: str
    """What tierwise is given: a foundation model, or a profile of its geography."""

    def may_be_invoked(self) -> list[Json]:
        """The statements for a role: the model here, or the profile and what stands behind it."""
        here = arn("bedrock:${AWS::Region}::foundation-model/${ModelId}")
        profile = own("bedrock", _PROFILE)
        behind = allow(
            "OnlyByTheProfile",
            _INVOKE,
            [arn("bedrock:*::foundation-model/${ModelId}")],
            {"StringEquals": {"bedrock:InferenceProfileArn": profile}},
        )
        return [
            allow("InvokeTheModel", _INVOKE, [_either(here, profile)]),
            Fn.condition_if("InRegionOnly", Fn.ref("AWS::NoValue"), behind),
        ]


def allowed_model(stack: Stack) -> AllowedModel:
    """Declare the parameters and what follows from them."""
    model = parameter(
        stack,
        "ModelId",
        "Foundation model, without a geography's prefix",
        allowed_pattern=f"^{MODEL}$",
    )
    geography = CfnParameter(
        stack,
        "ModelGeography",
        type="String",
        default="none",
        allowed_values=list(GEOGRAPHIES),
        description="none: this Region only; else the geography whose Regions may answer",
    ).value_as_string
    CfnCondition(stack, "InRegionOnly", expression=Fn.condition_equals(geography, "none"))
    return AllowedModel(_either(model, Fn.sub("${ModelGeography}.${ModelId}")))


def _either(in_region: str, in_geography: str) -> str:
    chosen: str = Fn.condition_if("InRegionOnly", in_region, in_geography).to_string()
    return chosen


_INVOKE = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")
