"""The prompt router: Bedrock's own choice between two models of one family, by parameter."""

from __future__ import annotations

from aws_cdk import CfnCondition, Fn, Stack
from aws_cdk import aws_bedrock as bedrock

from deploy.aws.stacks.models import MODEL
from deploy.aws.stacks.parts import Json, allow, arn, parameter

_MODELS = ("RouterSmallModel", "RouterLargeModel")
"""Parameters; without both there is no router."""


def prompt_router(stack: Stack) -> bedrock.CfnIntelligentPromptRouter:
    """Bedrock's own choice between two models of one family; our own routing needs none."""
    given = [
        Fn.condition_not(
            Fn.condition_equals(
                parameter(
                    stack,
                    name,
                    "A model of this Region for a prompt router; both empty for none",
                    default="",
                    allowed_pattern=f"^$|^{MODEL}$",
                ),
                "",
            )
        )
        for name in _MODELS
    ]
    condition = CfnCondition(stack, "HasRouter", expression=Fn.condition_and(*given))
    P = bedrock.CfnIntelligentPromptRouter  # noqa: N806 - the service's own name is long enough
    router = P(
        stack,
        "PromptRouter",
        prompt_router_name="tierwise",
        models=[
            P.PromptRouterTargetModelProperty(model_arn=_foundation(model)) for model in _MODELS
        ],
        fallback_model=P.PromptRouterTargetModelProperty(model_arn=_foundation(_MODELS[1])),
        routing_criteria=P.RoutingCriteriaProperty(response_quality_difference=10),
    )
    router.cfn_options.condition = condition
    return router


def may_route(router: bedrock.CfnIntelligentPromptRouter) -> Json:
    """The statement for a role that asks the router, where there is one."""
    statement: Json = Fn.condition_if(
        "HasRouter",
        allow(
            "UseTheRouter",
            ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
            [router.attr_prompt_router_arn, *map(_foundation, _MODELS)],
        ),
        Fn.ref("AWS::NoValue"),
    )
    return statement


def _foundation(parameter_name: str) -> str:
    return arn(f"bedrock:${{AWS::Region}}::foundation-model/${{{parameter_name}}}")
