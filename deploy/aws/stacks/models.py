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


@dataclass(frozen=True, slots=True)
class AllowedModel:
    """The model of a deployment."""

    model_id: str
    """What tierwise is given: a foundation model, or a profile of its geography."""
    resources: tuple[str, ...]
    """ARNs that a role may invoke."""

    def may_be_invoked(self) -> Json:
        """The statement for a role."""
        return allow(
            "InvokeTheModel",
            ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
            self.resources,
        )


def allowed_model(stack: Stack) -> AllowedModel:
    """Declare the parameters and what follows from them."""
    model = parameter(
        stack,
        "ModelId",
        "Foundation model, without a geography's prefix",
        allowed_pattern=r"^(?!global\.)[a-z0-9]+\.[A-Za-z0-9.:_-]+$",
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
    in_region = arn("bedrock:${AWS::Region}::foundation-model/${ModelId}")
    anywhere_in_it = arn("bedrock:*::foundation-model/${ModelId}")
    profile = own("bedrock", "inference-profile/${ModelGeography}.${ModelId}")
    return AllowedModel(
        model_id=_either(model, Fn.sub("${ModelGeography}.${ModelId}")),
        resources=(
            _either(in_region, anywhere_in_it),
            _either(in_region, profile),
        ),
    )


def _either(in_region: str, in_geography: str) -> str:
    chosen: str = Fn.condition_if("InRegionOnly", in_region, in_geography).to_string()
    return chosen
